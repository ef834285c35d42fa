import { once } from "node:events";
import { type EventRef, parseEventRef } from "@adaos/core";
import { counted, visibleJson } from "@adaos/core/wire";
import { loadRegistry } from "@adaos/registry";
import type { ItemVerdict } from "@adaos/registry-tools";
import { Command } from "commander";
import { jsonOption } from "../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../options/registry-options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface ValidateOptions extends RegistryOptions {
  readonly event?: string;
  readonly ndjson?: boolean;
  readonly quiet?: boolean;
}

export function eventsValidateCommand(terminal: Terminal): Command {
  return new Command("validate")
    .description(
      "validate events by the registry, as publisher and consumer would; exit code 65 when one is not valid",
    )
    .argument("<file...>", "a JSON value, a list of values, or one value a line; - for standard input")
    .option("--event <name>", "for payloads: their event, with or without its version")
    .option("--ndjson", "one value a line, whatever the first line looks like")
    .option("--quiet", "print only faults")
    .addOption(registryOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  adaos events validate envelope.json\n  adaos events validate --event ui.notify@1 payloads.ndjson",
    )
    .action(async (files: readonly string[], options: ValidateOptions) => {
      const asked = options.event === undefined ? undefined : parseEventRef(options.event);
      const { items, wrong } = await validateFiles(files, asked, options, terminal);
      terminal.say(
        items === 0 ? "there is no event in it" : `${counted(items, "event")}, ${wrong} not valid`,
      );
      if (wrong > 0 || items === 0) process.exitCode = EXIT_CODES["invalid-event"];
    });
}

async function validateFiles(
  files: readonly string[],
  asked: EventRef | undefined,
  { registry: dir, ndjson, quiet, json }: ValidateOptions,
  terminal: Terminal,
): Promise<{ readonly items: number; readonly wrong: number }> {
  const registry = await loadRegistry(dir);
  const { checkItem } = await import("@adaos/registry-tools");
  const { readItems } = await import("@adaos/registry-tools");
  let items = 0;
  let wrong = 0;
  for (const file of files) {
    for await (const item of readItems(file, ndjson === true || /\.(ndjson|jsonl)$/.test(file))) {
      const verdict = checkItem(item, registry, asked);
      items++;
      if (!verdict.ok) wrong++;
      if (verdict.ok && quiet === true) continue;
      if (json === true) terminal.out(visibleJson({ file, ...verdict }));
      else for (const line of linesOf(file, verdict, terminal)) terminal.out(line);
      // With a slow reader, reading the file waits, so memory does not grow.
      if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
    }
  }
  return { items, wrong };
}

function linesOf(
  file: string,
  { line, ok, as, event, problems }: ItemVerdict,
  { colors }: Terminal,
): string[] {
  const what = event === null ? "" : ` ${event}`;
  if (ok) return [`${file}:${line} ${colors.green("ok")}${what} ${as}`];
  return problems.map(({ line: at, column, pointer, expected }) => {
    const where = pointer === "" ? "" : `${pointer} `;
    return `${file}:${at}:${column} ${colors.red("invalid")}${what} ${where}${expected}`;
  });
}
