import { join } from "node:path";
import { resolveCacheDir } from "@adaos/nats-server";

/** Where what the peers need is kept: beside the servers that the mesh itself has installed. */
export function peersDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(resolveCacheDir(env), "bench-peers");
}
