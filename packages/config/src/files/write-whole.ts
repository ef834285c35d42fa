import { randomBytes } from "node:crypto";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.ts";

/**
 * Writes a file as a whole: a reader sees the old one or the new one, whoever else writes it. Only its owner may read
 * it, unless `mode` says otherwise. Throws the system's error.
 */
export function writeWhole(file: string, text: string, mode = 0o600): void {
  const staged = stagedName(file);
  makeFolder(dirname(file), mode === 0o600 ? 0o700 : 0o755);
  try {
    writeFileSync(staged, text, { mode, flag: "wx" });
    renameSync(staged, file);
  } catch (thrown) {
    rmSync(staged, { force: true });
    throw thrown;
  }
}

/**
 * Like {@link writeWhole}, and on the disk before the file takes its place. For its owner only. Blocks nobody
 * meanwhile.
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
    throw thrown;
  }
}

/** Nobody's own file, and no link that leads elsewhere: a file called `.new` may be somebody's. */
function stagedName(file: string): string {
  return `${file}.${randomBytes(6).toString("hex")}.new`;
}
