import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";

/** The measured checkout. */
export const HOME: string = fileURLToPath(new URL("../../..", import.meta.url));
const CLI = join(HOME, "packages/cli/bin/adaos.mjs");

/** Time limit of a command. */
export const RUN_LIMIT_MS = 180_000;

/** Runs Node. Resolves with the program's output. */
export async function runNode(args: readonly string[]): Promise<string> {
  // A separate process group: a Ctrl-C must not end the command that stops a mesh.
  const options = { timeout: RUN_LIMIT_MS, maxBuffer: 16_777_216, detached: true };
  return (await promisify(execFile)(process.execPath, args, options)).stdout;
}

/** Runs `adaos`. Resolves with its output; rejects with `unavailable`. */
export async function runAdaos(args: readonly string[]): Promise<string> {
  try {
    return await runNode([CLI, ...args]);
  } catch (cause) {
    throw new MeshError("unavailable", `adaos ${args.slice(0, 3).join(" ")} failed: ${messageOf(cause)}`, {
      cause,
    });
  }
}
