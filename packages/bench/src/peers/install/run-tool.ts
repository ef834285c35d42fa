import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";

export interface ToolOptions {
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Runs one command without a shell; returns its output. Rejects with `unavailable`. */
export async function runTool(file: string, args: readonly string[], options: ToolOptions): Promise<string> {
  const { timeoutMs, cwd, env = process.env } = options;
  try {
    const limits = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: MAX_OUTPUT_BYTES } as const;
    const { stdout } = await promisify(execFile)(file, [...args], {
      ...limits,
      env: { ...env, LC_ALL: "C" },
      ...(cwd === undefined ? {} : { cwd }),
    });
    return stdout;
  } catch (cause) {
    throw new MeshError("unavailable", `${file} ${args[0] ?? ""} failed: ${reasonOf(cause)}`, { cause });
  }
}

/** The last line on stderr is the best reason. */
function reasonOf(thrown: unknown): string {
  const { stderr = "" } = thrown as { stderr?: string };
  return stderr.trim().split("\n").at(-1) || messageOf(thrown);
}
