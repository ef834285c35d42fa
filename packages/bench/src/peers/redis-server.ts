import { join } from "node:path";
import { MeshError } from "@adaos/core";
import type { Durability } from "@adaos/core/wire";
import type { Backing } from "../contender.ts";
import { libraryPath, unpackDebianPackage, unpackedDir } from "./install/debian-packages.ts";
import { findProgram, isExecutable } from "./install/find-program.ts";
import { versionsOfPeers } from "./install/npm-peers.ts";
import { runTool } from "./install/run-tool.ts";
import { freePorts, ServerProcess } from "./server-process.ts";

const PACKAGE = "redis-server";
const VERSION_MS = 10_000;

interface RedisProgram {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Settings for the workers. */
export interface RedisSettings {
  readonly port: number;
}

async function findRedis(): Promise<RedisProgram | undefined> {
  const onPath = await findProgram("redis-server");
  if (onPath !== undefined) return { file: onPath, env: process.env };
  const root = unpackedDir(PACKAGE);
  const file = join(root, "usr/bin/redis-server");
  if (!(await isExecutable(file))) return undefined;
  return { file, env: { ...process.env, LD_LIBRARY_PATH: await libraryPath(root) } };
}

export async function isRedisInstalled(): Promise<boolean> {
  return (await findRedis()) !== undefined;
}

/** Rejects with `unavailable`. */
export async function installRedis(say: (line: string) => void): Promise<void> {
  if (!(await isRedisInstalled())) await unpackDebianPackage(PACKAGE, say);
}

/**
 * One Redis whose append-only file is synced before every answer, or each second with relaxed durability; no
 * snapshots.
 * @param clients Packages whose versions are reported with the server's.
 */
export async function startRedis(
  durability: Durability,
  dir: string,
  clients: readonly string[],
): Promise<Backing> {
  const program = await findRedis();
  if (program === undefined) throw new MeshError("unavailable", "there is no redis-server");
  const { file, env } = program;
  const told = await runTool(file, ["--version"], { env, timeoutMs: VERSION_MS });
  const [port = 0] = await freePorts(1);
  const settings = {
    port,
    bind: "127.0.0.1",
    dir,
    save: "",
    appendonly: "yes",
    appendfsync: durability === "synced" ? "always" : "everysec",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = await ServerProcess.start("redis-server", { file, args, dir, port, env });
  return {
    settings: { port } satisfies RedisSettings,
    versions: { "redis-server": /v=(\S+)/.exec(told)?.[1] ?? "unknown", ...versionsOfPeers(clients) },
    stop: () => server.stop(),
  };
}
