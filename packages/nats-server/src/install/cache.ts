import { chmod, mkdir, mkdtemp, open, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { assertOwnFolder, ownershipProblem } from "@adaos/config";
import { MeshError } from "@adaos/core";
import type { InstalledServer } from "./installer.ts";
import { probe } from "./probe.ts";
import { compareVersions, isVersion, TESTED_VERSION } from "./version.ts";

/** Name of the program's file on this machine. */
export const SERVER_FILE: string = process.platform === "win32" ? "nats-server.exe" : "nats-server";

const WORK_PREFIX = ".work-";
const STALE_AFTER_MS = 60 * 60 * 1000;

/**
 * Folder for downloads: `ADAOS_CACHE_DIR`, else the platform's cache folder with `adaos` in it. Pure.
 * @returns an absolute path that may not exist yet.
 */
export function resolveCacheDir(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env.ADAOS_CACHE_DIR) return resolve(env.ADAOS_CACHE_DIR);
  // The XDG specification says to ignore a relative path.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, "adaos");
  const home = env.HOME || homedir();
  return platform === "darwin" ? join(home, "Library", "Caches", "adaos") : join(home, ".cache", "adaos");
}

/** Path of the binary of a version, whether or not it exists. */
export function cachedServerPath(cacheDir: string, version: string): string {
  return join(cacheDir, "nats-server", version, SERVER_FILE);
}

/** The reason why a binary of the cache must not be run: others could have put it there. Undefined when it may. */
export function whyUntrusted(path: string): string | undefined {
  // A user who may write to a folder may replace its files.
  const folder = dirname(path);
  for (const one of [dirname(dirname(folder)), dirname(folder), folder, path]) {
    const problem = ownershipProblem(one);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Paths of the binaries in the cache, the best first: the tested version, then from new to old. */
export async function listCachedServers(cacheDir: string): Promise<string[]> {
  const versions = (await namesIn(join(cacheDir, "nats-server"))).filter(isVersion);
  versions.sort((a, b) => {
    const tested = Number(b === TESTED_VERSION) - Number(a === TESTED_VERSION);
    return tested || compareVersions(b, a);
  });
  const paths = versions.map((version) => cachedServerPath(cacheDir, version));
  const present = await Promise.all(paths.map(isFile));
  return paths.filter((_, index) => present[index]);
}

/**
 * Provides a private folder inside the cache to work in, and removes it however the work ends. It also removes folders
 * of killed processes once they are an hour old; installs take minutes at most. Rejects with MeshError `invalid-config`
 * when others may write to the cache, `unavailable` when we cannot, else as `work` does.
 */
export async function withWorkDir<T>(cacheDir: string, work: (dir: string) => Promise<T>): Promise<T> {
  const store = join(cacheDir, "nats-server");
  let dir: string;
  assertOwnFolder(cacheDir, "the cache");
  assertOwnFolder(store, "the cache");
  try {
    await mkdir(store, { recursive: true, mode: 0o755 });
    await removeStale(store);
    dir = await mkdtemp(join(store, WORK_PREFIX));
  } catch (thrown) {
    throw MeshError.from(thrown, "unavailable", `cannot write to the cache ${cacheDir}`);
  }
  try {
    return await work(dir);
  } finally {
    await removeQuietly(dir);
  }
}

/**
 * Checks that a binary in a work folder runs here and is new enough, then moves it to the place of its version. It uses
 * one rename: others see the whole file or none of it. Of two concurrent installs the later replaces the earlier, while
 * running servers keep theirs. Rejects with MeshError `unavailable` or the signal's reason.
 */
export async function adopt(cacheDir: string, file: string, signal?: AbortSignal): Promise<InstalledServer> {
  try {
    await chmod(file, 0o755);
  } catch (thrown) {
    throw MeshError.from(thrown, "unavailable", "no nats-server was unpacked");
  }
  const result = await probe(file, { signal });
  if (result.kind === "unusable") {
    throw new MeshError("unavailable", `the nats-server it gave is of no use here: ${result.reason}`);
  }
  const { version } = result;
  const path = cachedServerPath(cacheDir, version);
  try {
    // Sync the file before its name: otherwise, after a power loss, the name could stand for an empty file.
    const handle = await open(file, "r+");
    await handle.sync().finally(() => handle.close());
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await rename(file, path);
  } catch (thrown) {
    throw MeshError.from(thrown, "unavailable", `cannot write ${path}`);
  }
  return { path, version };
}

async function removeStale(store: string): Promise<void> {
  for (const name of await namesIn(store)) {
    if (!name.startsWith(WORK_PREFIX)) continue;
    const dir = join(store, name);
    const info = await stat(dir).catch(() => undefined);
    if (info !== undefined && Date.now() - info.mtimeMs > STALE_AFTER_MS) await removeQuietly(dir);
  }
}

/** A folder that cannot be removed now is removed later as stale: this never fails an install. */
async function removeQuietly(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
}

async function namesIn(dir: string): Promise<string[]> {
  return await readdir(dir).catch(() => []);
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}
