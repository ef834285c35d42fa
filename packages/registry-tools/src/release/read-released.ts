import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { MeshError } from "@adaos/core";
import { messageOf, quote } from "@adaos/core/wire";
import { loadRegistry, type ReleasedEvent, releasedEvents } from "@adaos/registry";

const GIT_MS = 60_000;
const MAX_LOCK_BYTES = 64 * 1024 * 1024;
const run = promisify(execFile);

/**
 * The events of a registry folder, of a lock file, or of a registry folder in a git revision.
 * @param beside The folder whose revision is read.
 * @throws MeshError `invalid-config` or `usage`.
 */
export async function readReleased(where: string, beside: string): Promise<ReleasedEvent[]> {
  const { parseLock } = await import("./registry-lock.ts");
  const stats = statSync(where, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return releasedEvents(await loadRegistry(where));
  if (stats?.isFile() === true) {
    if (stats.size > MAX_LOCK_BYTES)
      throw new MeshError(
        "invalid-config",
        `${where} is ${stats.size} bytes, the limit is ${MAX_LOCK_BYTES}`,
      );
    return parseLock(readFileSync(where, "utf8"), where);
  }
  return await withRevision(where, beside, async (dir) => releasedEvents(await loadRegistry(dir)));
}

/** Calls with a copy of the folder in a revision; the working tree and its index are not touched. */
async function withRevision<T>(
  revision: string,
  folder: string,
  use: (dir: string) => Promise<T>,
): Promise<T> {
  // Git would read a revision that begins with a dash as an option.
  if (revision.startsWith("-") || statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new MeshError(
      "usage",
      `${quote(revision)} is no folder and no file, and no git revision of ${folder}`,
    );
  const dir = mkdtempSync(join(tmpdir(), "adaos-registry-"));
  try {
    const git = async (cwd: string, ...args: string[]): Promise<string> => {
      const env = { ...process.env, GIT_INDEX_FILE: join(dir, "index") };
      const limits = { cwd, env, timeout: GIT_MS, maxBuffer: MAX_LOCK_BYTES };
      return (await run("git", args, limits)).stdout.trim();
    };
    const top = await git(folder, "rev-parse", "--show-toplevel");
    const prefix = await git(folder, "rev-parse", "--show-prefix");
    await git(top, "read-tree", `${revision}:${prefix}`);
    await git(top, "checkout-index", "--all", `--prefix=${join(dir, "tree")}/`);
    return await use(join(dir, "tree"));
  } catch (cause) {
    if (cause instanceof MeshError) throw cause;
    throw new MeshError(
      "usage",
      `${quote(revision)} is no folder and no file, and git has no such revision of ${folder}: ${messageOf(cause)}`,
      { cause },
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
