import type { NodeRole } from "@adaos/config";
import { untilReadable } from "@adaos/daemon";
import { processTerminal } from "../terminal/terminal.ts";

/** Resolves with the exit code; prints every error to standard error. */
export type RunDaemon = (file: string) => Promise<number>;

/** A daemon is a script of its own in the bundle. Its error classes are not known outside it. */
export function daemon(role: NodeRole, run: RunDaemon): RunDaemon {
  return async (file) => {
    try {
      return (await untilReadable(file, role)) ? await run(file) : 0;
    } catch (thrown) {
      const { printError } = await import("../terminal/print-error.ts");
      return printError(thrown, [], processTerminal());
    }
  };
}
