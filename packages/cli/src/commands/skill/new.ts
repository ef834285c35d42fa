import { visibleJson } from "@adaos/core/wire";
import { loadRegistry } from "@adaos/registry";
import type { SkillLanguage } from "@adaos/skills";
import { Command, Option } from "commander";
import { jsonOption } from "../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../options/registry-options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface NewOptions extends RegistryOptions {
  readonly dir: string;
  readonly language: SkillLanguage;
  readonly event?: string;
  readonly publish?: string;
  readonly dryRun?: boolean;
}

export function skillNewCommand(terminal: Terminal): Command {
  return new Command("new")
    .description("begin a skill: its folder with skill.yaml and a module that handles an event")
    .argument("<name>", "its name, and that of its folder: a-z 0-9 -")
    .option("--dir <folder>", "folder of the skills", "skills")
    .addOption(
      new Option("--language <language>", "what it is written in")
        .choices(["js", "ts", "python"])
        .default("js"),
    )
    .option("--event <event>", "the event that it handles (default: nlp.intent.detected, else the first)")
    .option("--publish <event>", "the event that it publishes (default: ui.notify, else the first)")
    .addOption(registryOption())
    .option("--dry-run", "write nothing, show the plan")
    .addOption(jsonOption())
    .addHelpText("after", "\nAn existing file is never overwritten.")
    .addHelpText("after", "\nExample:\n  adaos skill new greeter --event nlp.intent.detected@1")
    .action(async (name: string, { registry, dir, language, event, publish, dryRun, json }: NewOptions) => {
      const { planSkill, writeNewFiles } = await import("@adaos/skills");
      const files = planSkill({ dir, name, language, event, publish }, await loadRegistry(registry));
      if (dryRun !== true) writeNewFiles(files);
      const created = [...files.keys()];
      if (json === true) return terminal.out(visibleJson({ created, dry_run: dryRun === true }));
      for (const path of created) terminal.out(`${dryRun === true ? "would create" : "created"} ${path}`);
    });
}
