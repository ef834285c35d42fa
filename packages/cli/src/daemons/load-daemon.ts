import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeRole } from "@adaos/config";
import { resolveCacheDir } from "@adaos/nats-server";
import { loadCompiled } from "./code-cache.ts";
import type { RunDaemon } from "./daemon.ts";

/** Stands in for `run-daemon.ts` in the bundle: each daemon is one script there, whose compiled code is kept. */
export function runDaemon(role: NodeRole, file: string): Promise<number> {
  const script = fileURLToPath(new URL(`./${role}.cjs`, import.meta.url));
  const { run } = loadCompiled(script, join(resolveCacheDir(process.env), "code")) as { run: RunDaemon };
  return run(file);
}
