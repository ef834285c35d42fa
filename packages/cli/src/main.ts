import { MeshError, messageOf } from "@adaos/core";
import { Command, CommanderError } from "commander";
import { demoCommand } from "./commands/demo.ts";
import { downCommand } from "./commands/down.ts";
import { eventsCommand } from "./commands/events.ts";
import { nodeCommand } from "./commands/node.ts";
import { statusCommand } from "./commands/status.ts";
import { upCommand } from "./commands/up.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

/** Runs one command line. Resolves with the exit code; tells every error on standard error. */
export async function main(args: readonly string[]): Promise<number> {
  const terminal = processTerminal();
  try {
    await program(terminal).parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    return tell(thrown, terminal);
  }
}

function program(terminal: Terminal): Command {
  const adaos = new Command("adaos")
    .description("AdaOS Mesh: typed events between many small machines")
    .version("0.1.0")
    .addCommand(upCommand(terminal))
    .addCommand(downCommand(terminal))
    .addCommand(statusCommand(terminal))
    .addCommand(eventsCommand(terminal))
    .addCommand(nodeCommand())
    .addCommand(demoCommand(terminal), { hidden: true })
    .addHelpText(
      "after",
      "\nExit codes: 0 ok, 64 usage, 65 invalid event, 69 unreachable, 70 our bug, 77 denied, 78 bad config",
    );
  withStrictErrors(adaos);
  return adaos;
}

/** Errors come to {@link main} instead of ending the process somewhere inside. */
function withStrictErrors(command: Command): void {
  command.exitOverride().showHelpAfterError("(try --help)");
  for (const sub of command.commands) withStrictErrors(sub);
}

function tell(thrown: unknown, terminal: Terminal): number {
  if (thrown instanceof CommanderError) {
    // Help and version are answers, not errors; commander has printed everything already.
    return thrown.exitCode === 0 ? 0 : EXIT_CODES.usage;
  }
  const { red, dim } = terminal.colors;
  if (thrown instanceof MeshError && thrown.code !== "internal") {
    terminal.say(`${red("error")} ${thrown.message} ${dim(`(${thrown.code})`)}`);
    return EXIT_CODES[thrown.code];
  }
  terminal.say(`${red("error")} this is a bug in adaos: ${messageOf(thrown)}`);
  if (thrown instanceof Error && thrown.stack !== undefined) terminal.say(dim(thrown.stack));
  return EXIT_CODES.internal;
}
