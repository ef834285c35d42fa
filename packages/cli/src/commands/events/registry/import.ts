import { join } from "node:path";
import { type EventKind, formatEventRef } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import { Command, InvalidArgumentError, Option } from "commander";
import { jsonOption } from "../../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../../options/registry-options.ts";
import type { Terminal } from "../../../terminal/terminal.ts";

interface ImportOptions extends RegistryOptions {
  readonly kind: EventKind;
  readonly strip?: string;
  readonly prefix?: string;
  readonly map: ReadonlyMap<string, string>;
  readonly namingException?: string;
  readonly dryRun?: boolean;
}

export function registryImportCommand(terminal: Terminal): Command {
  return new Command("import")
    .description("make drafts from other descriptions of events: JSON Schemas, AsyncAPI 2 and 3, CloudEvents")
    .argument("<source>", "folder of JSON Schemas, AsyncAPI document, or file of CloudEvents (also .ndjson)")
    .addOption(
      new Option("--kind <kind>", "kind of the events")
        .choices(["event", "command", "reply"])
        .default("event"),
    )
    .option("--strip <text>", "cut this from the beginning of the source's names: com.example.")
    .option("--prefix <name>", "put before each name: shop")
    .option(
      "--map <from=to>",
      "name an event yourself: OrderCancel=shop.order.cancel@1:command; may be repeated",
      addMapped,
      new Map(),
    )
    .option("--naming-exception <reason>", "why names are right though they break the rules of names")
    .addOption(registryOption())
    .option("--dry-run", "write nothing, show the plan")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  adaos events registry import shop.asyncapi.yaml --prefix shop --dry-run",
    )
    .action(async (source: string, options: ImportOptions) => {
      const { applyContracts, planImport } = await import("@adaos/registry-tools");
      const { registry: dir, kind, strip, prefix, map, namingException, dryRun, json } = options;
      const { plan, contracts, notes } = await planImport(dir, source, {
        kind,
        strip,
        prefix,
        map,
        namingException,
      });
      if (dryRun !== true) applyContracts(plan);
      if (plan.typesProblem !== undefined) terminal.say(`no types were made: ${plan.typesProblem}`);
      const events = contracts.map(({ called, name, version, kind: is }) => ({
        called,
        event: formatEventRef(name, version),
        kind: is,
      }));
      if (json === true) {
        const created = [...plan.created.keys()].map((path) => join(dir, path));
        terminal.out(visibleJson({ events, created, notes, dry_run: dryRun === true }));
        return;
      }
      for (const { called, event, kind: is } of events)
        terminal.out(`${dryRun === true ? "would import" : "imported"} ${called} as ${event} (${is}, draft)`);
      for (const note of notes) terminal.say(`look at: ${note}`);
    });
}

function addMapped(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const at = text.lastIndexOf("=");
  if (at < 1 || at === text.length - 1)
    throw new InvalidArgumentError("must be FROM=TO, as OrderCreated=shop.order.created@1");
  return new Map([...before, [text.slice(0, at), text.slice(at + 1)]]);
}
