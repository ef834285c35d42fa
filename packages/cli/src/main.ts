import { isNodeRole } from "./daemons/node-roles.ts";
import { runDaemon } from "./daemons/run-daemon.ts";
import { processTerminal } from "./terminal/terminal.ts";

/** Runs one command line. Resolves with the exit code; tells every error on standard error. */
export async function main(args: readonly string[]): Promise<number> {
  const terminal = processTerminal();
  try {
    const [noun, role = "", option, file, ...rest] = args;
    // As a supervisor starts daemons: what parses command lines would stay in their memory for as long as they live.
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
    const { tellError } = await import("./terminal/tell-error.ts");
    return tellError(thrown, args, terminal);
  }
}
