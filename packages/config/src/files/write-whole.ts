import { randomBytes } from "node:crypto";
import { closeSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.ts";

/**
 * Writes a file as a whole: a reader sees the old or the new one, even with several writers. Only its owner may
 * read it, unless `mode` says otherwise. Throws the system's error.
 */
export function writeWhole(file: string, content: string | Uint8Array, mode = 0o600): void {
  const staged = stagedName(file);
  makeFolder(dirname(file), mode === 0o600 ? 0o700 : 0o755);
  try {
    writeFileSync(staged, content, { mode, flag: "wx" });
    renameSync(staged, file);
  } catch (thrown) {
    rmSync(staged, { force: true });
    throw withPlace(thrown, file);
  }
}

/**
 * Makes a file, and overwrites none; what a full disk leaves of it is removed. The folder is there already. Throws the
 * system's error, with `EEXIST` where the file is there.
 */
export function writeNew(file: string, content: string | Uint8Array, mode = 0o666): void {
  let made: number | undefined;
  try {
    made = openSync(file, "wx", mode);
    writeFileSync(made, content);
  } catch (thrown) {
    // Never one that was there: with too many open files, the system does not even look.
    if (made !== undefined) rmSync(file, { force: true });
    throw withPlace(thrown, file);
  } finally {
    if (made !== undefined) closeSync(made);
  }
}

/**
 * Like {@link writeWhole}, but syncs the text to disk before the file takes its place. For its owner only. It does
 * not block the process.
 */
export async function writeWholeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const staged = stagedName(file);
  makeFolder(dirname(file), 0o700);
  try {
    const handle = await open(staged, "wx", 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(staged, file);
  } catch (thrown) {
    await rm(staged, { force: true }).catch(() => undefined);
    throw withPlace(thrown, file);
  }
}

/** A random name that no other file and no link has: a file called `.new` may be a user's. */
function stagedName(file: string): string {
  return `${file}.${randomBytes(6).toString("hex")}.new`;
}

/** The system names no file when a write to an open one fails, as on a full disk. */
function withPlace(thrown: unknown, file: string): unknown {
  if (thrown instanceof Error && "syscall" in thrown && !("path" in thrown))
    Object.assign(thrown, { path: file });
  return thrown;
}
