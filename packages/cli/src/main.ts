import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { isNodeRole, runDaemon } from "./run-daemon.ts";
import { EXIT_CODES } from "./terminal/exit-codes.ts";
import { processTerminal, type Terminal } from "./terminal/terminal.ts";

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
    return tell(thrown, terminal);
  }
}

function tell(thrown: unknown, terminal: Terminal): number {
  const { red, dim } = terminal.colors;
  if (thrown instanceof MeshError && thrown.code !== "internal") {
    terminal.say(`${red("error")} ${thrown.message} ${dim(`(${thrown.code})`)}`);
    return EXIT_CODES[thrown.code];
  }
  terminal.say(`${red("error")} this is a bug in adaos: ${messageOf(thrown)}`);
  if (thrown instanceof Error && thrown.stack !== undefined) terminal.say(dim(thrown.stack));
  return EXIT_CODES.internal;
}
