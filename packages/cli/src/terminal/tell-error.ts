import { MeshError, type MeshErrorCode } from "@adaos/core";
import { messageOf, visibleJson } from "@adaos/core/wire";
import { CommanderError } from "commander";
import { EXIT_CODES } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/** What helps against each error; the message says what is wrong, and where. */
const REMEDIES: Readonly<Record<MeshErrorCode, string>> = {
  usage: "correct the command line; --help tells what it takes",
  "invalid-event": "correct the data; adaos events validate judges it without a mesh",
  "unknown-event": "declare the event with adaos events scaffold, or correct its name",
  "too-large": "send less than 256 KiB in one event",
  unavailable: "see adaos status for what does not run, and start it with adaos up; then try again",
  "no-handler": "start the member that handles the command",
  timeout: "the outcome is unknown: try again with the same event id",
  backpressure: "try again later; adaos events status tells what is full",
  closed: "run the command again",
  internal: "report it with its message and stack: it is a bug in adaos",
  failed: "see adaos events failed for what the handler says",
  denied: "ask adaos policy explain which rule is missing",
  "invalid-config": "correct the file that the message names",
};

/** Whether errors of this command line are told as JSON. */
export function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json");
}

/** Tells an error on standard error, as one line of JSON with `--json`. Returns the exit code. */
export function tellError(thrown: unknown, args: readonly string[], terminal: Terminal): number {
  if (thrown instanceof CommanderError) {
    // Help and version are answers, not errors. Commander has printed what it has to say, unless it was kept from it.
    if (thrown.exitCode === 0) return 0;
    if (wantsJson(args)) tellJson(new MeshError("usage", usageMessage(thrown)), undefined, terminal);
    return EXIT_CODES.usage;
  }
  const isOurs = thrown instanceof MeshError && thrown.code !== "internal";
  if (wantsJson(args)) {
    const error = isOurs ? thrown : new MeshError("internal", messageOf(thrown));
    tellJson(error, isOurs ? undefined : stackOf(thrown), terminal);
    return EXIT_CODES[error.code];
  }
  const { red, dim } = terminal.colors;
  if (isOurs) {
    terminal.say(`${red("error")} ${thrown.message} ${dim(`(${thrown.code})`)}`);
    return EXIT_CODES[thrown.code];
  }
  terminal.say(`${red("error")} this is a bug in adaos: ${messageOf(thrown)}`);
  const stack = stackOf(thrown);
  if (stack !== undefined) terminal.say(dim(stack));
  return EXIT_CODES.internal;
}

function tellJson(
  { code, message, rule, schema, violations }: MeshError,
  stack: string | undefined,
  terminal: Terminal,
): void {
  terminal.say(
    visibleJson({ error: { code, message, remedy: REMEDIES[code], rule, schema, violations, stack } }),
  );
}

function stackOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? thrown.stack : undefined;
}

/** A command of commands alone prints its help instead of a message. */
function usageMessage({ code, message }: CommanderError): string {
  if (code === "commander.help") return "a command is missing";
  return message.replace(/^error: /, "").replaceAll("\n", " ");
}
