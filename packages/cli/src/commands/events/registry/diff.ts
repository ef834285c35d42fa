import { visibleJson } from "@adaos/core/wire";
import type { Gap } from "@adaos/json-schema";
import type { EventChange } from "@adaos/registry";
import { readReleased } from "@adaos/registry-tools";
import { Command } from "commander";
import { jsonOption } from "../../../options/options.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";
import type { Terminal } from "../../../terminal/terminal.ts";

interface DiffOptions {
  readonly registry: string;
  readonly json?: boolean;
}

export function registryDiffCommand(terminal: Terminal): Command {
  return new Command("diff")
    .description(
      "the changes between two registries, and the readers or publishers that break; exits with 78 when any breaks",
    )
    .argument("<old>", "a registry folder, a lock file, or a git revision such as main or v1.2")
    .argument("[new]", "the same", "schemas/events")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nbackward: a reader by the new contract, a publisher by the old one; forward: the other way round.\n" +
        "\nExamples:\n  adaos events registry diff main\n  adaos events registry diff ../released/events schemas/events --json",
    )
    .action(async (older: string, newer: string, { json }: DiffOptions) => {
      const { compareRegistries, isBreaking } = await import("@adaos/registry");
      const changes = compareRegistries(await readReleased(older, newer), await readReleased(newer, newer));
      for (const change of changes) {
        if (json === true) terminal.out(visibleJson({ ...change, breaking: isBreaking(change) }));
        else for (const line of linesOf(change, isBreaking(change), terminal)) terminal.out(line);
      }
      if (changes.length === 0 && json !== true) terminal.say("the two registries agree");
      if (changes.some(isBreaking)) process.exitCode = EXIT_CODES["invalid-config"];
    });
}

function linesOf(
  { event, change, backward, forward, notes }: EventChange,
  breaks: boolean,
  { colors }: Terminal,
): string[] {
  const verdict = breaks ? colors.red("breaking") : colors.green("compatible");
  const lineOf =
    (direction: string) =>
    (gap: Gap): string =>
      `  ${direction}: ${gap.pointer || "the data"} ${gap.told}`;
  const hint =
    breaks && change === "changed"
      ? [`  make it a new major version: adaos events scaffold ${nextOf(event)}`]
      : [];
  return [
    `${event} ${change}, ${verdict}`,
    ...backward.map(lineOf("backward")),
    ...forward.map(lineOf("forward")),
    ...notes.map((note) => `  ${note}`),
    ...hint,
  ];
}

/** `ui.notify@1`: `ui.notify --version 2`. */
function nextOf(event: string): string {
  const [name, version] = event.split("@");
  return `${name} --version ${Number(version) + 1}`;
}
