import { join } from "node:path";
import type { EventKind } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import { Command, InvalidArgumentError, Option } from "commander";
import { jsonOption } from "../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../options/registry-options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface ScaffoldOptions extends RegistryOptions {
  readonly kind: EventKind;
  readonly version: number;
  readonly summary?: string;
  readonly namingException?: string;
  readonly dryRun?: boolean;
}

export function eventsScaffoldCommand(terminal: Terminal): Command {
  return new Command("scaffold")
    .description(
      "begin a contract: its folder with schema, examples and test, and its record in the registry",
    )
    .argument("<name>", "namespace.noun.past, for a command namespace.verb")
    .addOption(
      new Option("--kind <kind>", "kind of the event")
        .choices(["event", "command", "reply"])
        .default("event"),
    )
    .option("--version <n>", "major version", parseMajor, 1)
    .option("--summary <text>", "one sentence about its meaning")
    .option("--naming-exception <reason>", "why the name is right though it breaks the rules of names")
    .addOption(registryOption())
    .option("--dry-run", "write nothing, show the plan")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos events scaffold lab.sample.weighed --kind event --version 1")
    .action(async (name: string, options: ScaffoldOptions) => {
      const { applyContracts, planScaffold } = await import("@adaos/registry-tools");
      const { registry: dir, kind, version, namingException, dryRun, json } = options;
      const summary = options.summary ?? `What ${name} means, in one sentence.`;
      const plan = await planScaffold(dir, { name, version, kind, summary, namingException });
      if (dryRun !== true) applyContracts(plan);
      const created = [...plan.created.keys()].map((path) => join(dir, path));
      const changed = [...plan.replaced.keys()].map((path) => join(dir, path));
      if (plan.typesProblem !== undefined) terminal.say(`no types were made: ${plan.typesProblem}`);
      if (json === true) return terminal.out(visibleJson({ created, changed, dry_run: dryRun === true }));
      const would = dryRun === true ? "would " : "";
      for (const path of created) terminal.out(`${would}create ${path}`);
      for (const path of changed) terminal.out(`${would}change ${path}`);
    });
}

function parseMajor(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("must be a whole number from 1 to 9999");
}
