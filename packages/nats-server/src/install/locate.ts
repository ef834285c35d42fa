import { realpath, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { MeshError } from "@adaos/core";
import { listCachedServers, resolveCacheDir, SERVER_FILE, whyUntrusted } from "./cache.ts";
import { type Probe, probe } from "./probe.ts";
import { MINIMUM_VERSION } from "./version.ts";

/** Where a binary came from: a setting, `PATH`, or the cache of earlier installs. */
export type LocatedFrom = "env" | "path" | "cache";

export interface LocatedServer {
  /** Absolute. */
  readonly path: string;
  /** Such as `2.15.1`. */
  readonly version: string;
  readonly from: LocatedFrom;
}

/** A binary, or a place without one, that was checked and skipped. */
export interface Skipped {
  readonly from: LocatedFrom;
  readonly where: string;
  readonly reason: string;
}

export interface LocateResult {
  readonly found: LocatedServer | undefined;
  /** In the order of the search. */
  readonly skipped: readonly Skipped[];
}

export interface LocateOptions {
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks for a nats-server that is new enough: `ADAOS_NATS_SERVER`, then `PATH`, then our cache. Rejects with MeshError
 * `invalid-config` when `ADAOS_NATS_SERVER` is set and unsuitable (another binary than the requested one would be a
 * surprise), or with the signal's reason.
 */
export async function locateNatsServer(options: LocateOptions = {}): Promise<LocateResult> {
  const env = options.env ?? process.env;
  const setting = env.ADAOS_NATS_SERVER;
  if (setting) return { found: await takeSetting(resolve(setting), options.signal), skipped: [] };

  const cacheDir = resolveCacheDir(env);
  const onPath = await listOnPath(SERVER_FILE, env);
  const cached = await listCachedServers(cacheDir);
  const skipped: Skipped[] = [];
  for (const [from, paths, place] of [
    ["path", onPath, "PATH"],
    ["cache", cached, cacheDir],
  ] as const) {
    if (paths.length === 0) skipped.push({ from, where: place, reason: "no nats-server there" });
    for (const path of paths) {
      const untrusted = from === "cache" ? whyUntrusted(path) : undefined;
      const result: Probe =
        untrusted === undefined
          ? await probe(path, { signal: options.signal })
          : { kind: "unusable", reason: untrusted };
      if (result.kind === "usable") return { found: { path, version: result.version, from }, skipped };
      skipped.push({ from, where: path, reason: result.reason });
    }
  }
  return { found: undefined, skipped };
}

/** Every file of that name in the folders of `PATH`, in order; a file with two paths is listed once. */
export async function listOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const found = new Map<string, string>();
  for (const dir of (env.PATH ?? "").split(delimiter)) {
    // An empty or relative entry means the current folder, from which no program should run.
    if (!isAbsolute(dir)) continue;
    const path = join(dir, name);
    const info = await stat(path).catch(() => undefined);
    if (info === undefined || !info.isFile()) continue;
    const real = await realpath(path).catch(() => path);
    if (!found.has(real)) found.set(real, path);
  }
  return [...found.values()];
}

async function takeSetting(path: string, signal: AbortSignal | undefined): Promise<LocatedServer> {
  const result = await probe(path, { signal });
  if (result.kind === "usable") return { path, version: result.version, from: "env" };
  throw new MeshError(
    "invalid-config",
    `ADAOS_NATS_SERVER names ${path}: ${result.reason}; ` +
      `set it to a nats-server ${MINIMUM_VERSION} or newer, or unset it to have one found or installed`,
  );
}
