import { MeshError, type MeshErrorCode } from "@adaos/core";
import { messageOf, visibleJson } from "@adaos/core/wire";
import { CommanderError } from "commander";
import { EXIT_CODES } from "./exit-codes.ts";
import { systemTrouble } from "./system-trouble.ts";
import type { Terminal } from "./terminal.ts";

/** The remedy for each error; the message names fault and place. */
const REMEDIES: Readonly<Record<MeshErrorCode, string>> = {
  usage: "correct the command line; --help shows its options",
  "invalid-event": "correct the data; adaos events validate judges it without a mesh",
  "unknown-event": "declare the event with adaos events scaffold, or correct its name",
  "too-large": "send less than 256 KiB in one event",
  unavailable: "find the stopped process with adaos status, and start it with adaos up; then try again",
  "no-handler": "start the member that handles the command",
  timeout: "the outcome is unknown: try again with the same event id",
  backpressure: "try again later; adaos events status shows full streams",
  closed: "run the command again",
  internal: "report it with its message and stack: it is a bug in adaos",
  failed: "see the handler's error with adaos events failed",
  denied: "ask adaos policy explain which rule is missing",
  "invalid-config": "correct the file that the message names",
};

/** The message of a system's error names the place, and what to do there. */
const SYSTEM_REMEDY = "mend the place that the message names; then run the command again";

/** Whether errors of this command line are printed as JSON. */
export function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json");
}

/** Prints an error on standard error, as one line of JSON with `--json`. Returns the exit code. */
export function printError(caught: unknown, args: readonly string[], terminal: Terminal): number {
  const thrown = systemTrouble(caught) ?? caught;
  if (thrown instanceof CommanderError) {
    // Help and version are answers, not errors. Commander has printed its text, unless its output is off.
    if (thrown.exitCode === 0) return 0;
    if (wantsJson(args)) {
      const error = new MeshError("usage", usageMessage(thrown));
      tellJson(error, REMEDIES.usage, undefined, terminal);
    }
    return EXIT_CODES.usage;
  }
  const isOurs = thrown instanceof MeshError && thrown.code !== "internal";
  if (wantsJson(args)) {
    const error = isOurs ? thrown : new MeshError("internal", messageOf(thrown));
    const remedy = thrown === caught ? REMEDIES[error.code] : SYSTEM_REMEDY;
    tellJson(error, remedy, isOurs ? undefined : stackOf(thrown), terminal);
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
  remedy: string,
  stack: string | undefined,
  terminal: Terminal,
): void {
  terminal.say(visibleJson({ error: { code, message, remedy, rule, schema, violations, stack } }));
}

function stackOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? thrown.stack : undefined;
}

/** A command of commands alone prints its help instead of a message. */
function usageMessage({ code, message }: CommanderError): string {
  if (code === "commander.help") return "a command is missing";
  return message.replace(/^error: /, "").replaceAll("\n", " ");
}
