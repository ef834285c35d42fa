import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** Where what the peers need is kept: beside the servers that the mesh itself has installed. */
export function peersDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheDir(env), "bench-peers");
}

/** By the same rules as nats-server's own cache. */
function cacheDir(env: NodeJS.ProcessEnv): string {
  if (env.ADAOS_CACHE_DIR) return resolve(env.ADAOS_CACHE_DIR);
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, "adaos");
  const home = env.HOME || homedir();
  return process.platform === "darwin"
    ? join(home, "Library", "Caches", "adaos")
    : join(home, ".cache", "adaos");
}
