import { isNodeRole } from "./daemons/node-roles.ts";
import { runDaemon } from "./daemons/run-daemon.ts";
import { processTerminal, type Terminal } from "./terminal/terminal.ts";

export { plainTerminal } from "./terminal/terminal.ts";

/**
 * Runs one command line. Resolves with the exit code; prints every error.
 * @param terminal @default that of this process
 */
export async function main(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  try {
    const [noun, role = "", option, file, ...rest] = args;
    // The supervisor starts daemons this way: the parser of command lines would stay in their memory for life.
    if (
      noun === "node" &&
      isNodeRole(role) &&
      option === "--config" &&
      file !== undefined &&
      rest.length === 0
    )
      return await runDaemon(role, file);
    const { runCommandLine } = await import("./command-line.ts");
    return await runCommandLine(args, terminal);
  } catch (thrown) {
    const { printError } = await import("./terminal/print-error.ts");
    return printError(thrown, args, terminal);
  }
}
