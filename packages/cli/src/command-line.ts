import { Command, CommanderError } from "commander";
import { COMMANDS, type CommandEntry, type CommandTree } from "./commands/tree.ts";
import { EXIT_CODES } from "./terminal/exit-codes.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** Parses a command line and runs its command. Resolves with the exit code; rejects with what the command throws. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await (await program(args, terminal)).parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    // Help and version are answers, not errors; commander has printed everything already.
    return thrown.exitCode === 0 ? 0 : EXIT_CODES.usage;
  }
}

/**
 * The command line of these words: commands that they do not name have their summaries alone.
 * @param args `all` loads every command, for who tells of them.
 */
export async function program(args: readonly string[] | "all", terminal: Terminal): Promise<Command> {
  const adaos = new Command("adaos")
    .description("AdaOS Mesh: typed events between many small machines")
    .version("0.1.0")
    // A command that has options and commands of its own must not take those of the latter for its own.
    .enablePositionalOptions()
    .addHelpText(
      "after",
      "\nExit codes: 0 ok, 64 usage, 65 invalid event, 69 unreachable, 70 our bug, 77 denied, 78 bad config",
    );
  await addCommands(adaos, COMMANDS, args, terminal);
  withStrictErrors(adaos, terminal);
  return adaos;
}

/** Adds all commands of a level, and loads the one that the words name. */
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
