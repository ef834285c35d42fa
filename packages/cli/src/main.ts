import { TESTED_VERSION } from "@adaos/nats-server/version";
import { Command } from "commander";
import { tellError, wantsJson } from "./terminal/tell-error.ts";
import { processTerminal, type Terminal } from "./terminal/terminal.ts";
import { VERSION } from "./version.ts";

type MakeCommand = (terminal: Terminal) => Command;

/** Only the command that is asked for is loaded: a daemon lives long, and what it does not need it should not carry. */
const COMMANDS: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  init: async () => (await import("./commands/mesh/init.ts")).initCommand,
  up: async () => (await import("./commands/mesh/up.ts")).upCommand,
  down: async () => (await import("./commands/mesh/down.ts")).downCommand,
  status: async () => (await import("./commands/mesh/status.ts")).statusCommand,
  events: async () => (await import("./commands/events/index.ts")).eventsCommand,
  durables: async () => (await import("./commands/durables/index.ts")).durablesCommand,
  registry: async () => (await import("./commands/registry/index.ts")).registryCommand,
  policy: async () => (await import("./commands/policy/index.ts")).policyCommand,
  mcp: async () => (await import("./commands/mcp.ts")).mcpCommand,
  node: async () => (await import("./commands/node/index.ts")).nodeCommand,
  join: async () => (await import("./commands/join/index.ts")).joinCommand,
  bridge: async () => (await import("./commands/bridge/index.ts")).bridgeCommand,
  completion: async () => (await import("./commands/completion.ts")).completionCommand,
  demo: async () => (await import("./commands/mesh/demo.ts")).demoCommand,
};

/** Not in the list of commands: `npm start` runs it. */
const HIDDEN: ReadonlySet<string> = new Set(["demo"]);

/** Runs one command line. Resolves with the exit code; tells every error on standard error. */
export async function main(args: readonly string[]): Promise<number> {
  const terminal = processTerminal();
  try {
    await (await program(args, terminal)).parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    return tellError(thrown, args, terminal);
  }
}

/** The command line as it would parse these arguments; with none of them, every command. */
export async function program(args: readonly string[], terminal: Terminal): Promise<Command> {
  const adaos = new Command("adaos")
    .description("AdaOS Mesh: typed events between many small machines")
    .version(`${VERSION} (nats-server ${TESTED_VERSION})`)
    // A command that has options and commands of its own must not take those of the latter for its own.
    .enablePositionalOptions()
    .addHelpText(
      "after",
      "\nExit codes: 0 ok, 64 usage, 65 invalid event, 69 unreachable, 70 our bug, 77 denied, 78 bad config",
    );
  const [first = ""] = args;
  // "completion" tells of all the others.
  const isAlone = Object.hasOwn(COMMANDS, first) && first !== "completion";
  for (const name of isAlone ? [first] : Object.keys(COMMANDS)) {
    const make = await COMMANDS[name]?.();
    if (make !== undefined) adaos.addCommand(make(terminal), { hidden: HIDDEN.has(name) });
  }
  // With --json an error is told once, as JSON.
  const complain = wantsJson(args) ? () => undefined : terminal.say;
  withStrictErrors(adaos, { ...terminal, say: complain });
  return adaos;
}

/** Errors come to {@link main} instead of ending the process somewhere inside, and command no terminal. */
function withStrictErrors(command: Command, terminal: Terminal): void {
  command.exitOverride().showHelpAfterError("(try --help)");
  command.configureOutput({
    writeOut: (text) => terminal.out(text.replace(/\n$/, "")),
    writeErr: (text) => terminal.say(text.replace(/\n$/, "")),
  });
  for (const sub of command.commands) withStrictErrors(sub, terminal);
}
