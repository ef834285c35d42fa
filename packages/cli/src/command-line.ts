import { VERSION } from "@adaos/core/version";
import { TESTED_VERSION } from "@adaos/nats-server/version";
import { Command } from "commander";
import { COMMANDS, type CommandEntry, type CommandTree } from "./commands/tree.ts";
import { wantsJson } from "./terminal/print-error.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** Parses a command line and runs its command. Resolves with the exit code; rejects with the error that stops it. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  // With --json an error is printed once, as JSON.
  const complain = wantsJson(args) ? (): void => undefined : terminal.say;
  // Completion needs all commands.
  const named = args[0] === "completion" ? "all" : args;
  await (await program(named, terminal, complain)).parseAsync(args, { from: "user" });
  return Number(process.exitCode ?? 0);
}

/**
 * The command line of these words: commands that they do not name have their summaries alone.
 * @param args `all` loads every command, for completion and documentation.
 * @param complain Receives faults of a command line.
 */
export async function program(
  args: readonly string[] | "all",
  terminal: Terminal,
  complain: (line: string) => void = terminal.say,
): Promise<Command> {
  const adaos = new Command("adaos")
    .description("AdaOS Mesh: typed events between many small machines")
    .version(`${VERSION} (nats-server ${TESTED_VERSION})`)
    // A command with options and subcommands must not parse options of its subcommands as its own.
    .enablePositionalOptions()
    .addHelpText(
      "after",
      "\nExit codes: 0 ok, 64 usage, 65 invalid event, 69 unreachable, 70 our bug, 77 denied, 78 bad config",
    );
  await addCommands(adaos, COMMANDS, args, terminal);
  withStrictErrors(adaos, { ...terminal, say: complain });
  return adaos;
}

/** Adds all commands of a level, and loads the command that the words name. */
async function addCommands(
  parent: Command,
  commands: CommandTree,
  args: readonly string[] | "all",
  terminal: Terminal,
): Promise<void> {
  const words = args === "all" ? [] : args.filter((arg) => !arg.startsWith("-"));
  const [wanted, ...rest] = words[0] === "help" ? words.slice(1) : words;
  for (const [name, entry] of Object.entries(commands)) {
    const command =
      args === "all" || name === wanted
        ? await loadCommand(name, entry, args === "all" ? args : rest, terminal)
        : new Command(name).description(entry.summary);
    parent.addCommand(command, { hidden: "hidden" in entry && entry.hidden === true });
  }
}

async function loadCommand(
  name: string,
  entry: CommandEntry,
  args: readonly string[] | "all",
  terminal: Terminal,
): Promise<Command> {
  if ("load" in entry) return (await entry.load())(terminal);
  const group = new Command(name).description(entry.summary);
  await addCommands(group, entry.commands, args, terminal);
  return group;
}

/** Errors come to the caller instead of ending the process somewhere inside, and command no terminal. */
function withStrictErrors(command: Command, terminal: Terminal): void {
  command.exitOverride().showHelpAfterError("(try --help)");
  command.configureOutput({
    writeOut: (text) => terminal.out(text.replace(/\n$/, "")),
    writeErr: (text) => terminal.say(text.replace(/\n$/, "")),
  });
  for (const sub of command.commands) withStrictErrors(sub, terminal);
}
