import { visibleJson } from "@adaos/core/wire";
import { loadRegistry } from "@adaos/registry";
import { Command } from "commander";
import { jsonOption } from "../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../options/registry-options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface NewOptions extends RegistryOptions {
  readonly dir: string;
  readonly event?: string;
  readonly publish?: string;
  readonly dryRun?: boolean;
}

export function scenarioNewCommand(terminal: Terminal): Command {
  return new Command("new")
    .description("begin a scenario: its folder with scenario.yaml and a case that holds")
    .argument("<name>", "its name, and that of its folder: a-z 0-9 -")
    .option("--dir <folder>", "folder of the scenarios", "scenarios")
    .option("--event <event>", "the event that triggers it (default: a timer)")
    .option(
      "--publish <event>",
      "the event that it publishes (default: ui.notify, else the first of the registry)",
    )
    .addOption(registryOption())
    .option("--dry-run", "write nothing, show the plan")
    .addOption(jsonOption())
    .addHelpText("after", "\nAn existing file is never overwritten.")
    .addHelpText("after", "\nExample:\n  adaos scenario new morning --event nlp.intent.detected@1")
    .action(async (name: string, { registry, dir, event, publish, dryRun, json }: NewOptions) => {
      const { planScenario, writeNewFiles } = await import("@adaos/skills");
      const files = planScenario({ dir, name, event, publish }, await loadRegistry(registry));
      if (dryRun !== true) writeNewFiles(files);
      const created = [...files.keys()];
      if (json === true) return terminal.out(visibleJson({ created, dry_run: dryRun === true }));
      for (const path of created) terminal.out(`${dryRun === true ? "would create" : "created"} ${path}`);
    });
}
