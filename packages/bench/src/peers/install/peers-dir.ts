import { join } from "node:path";
import { resolveCacheDir } from "@adaos/nats-server";

/** The cache of the peers' programs: beside the servers that the mesh has installed. */
export function peersDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(resolveCacheDir(env), "bench-peers");
}
