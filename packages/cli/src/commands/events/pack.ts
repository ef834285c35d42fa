import { join } from "node:path";
import { counted, visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { jsonOption } from "../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../options/registry-options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface PackOptions extends RegistryOptions {
  readonly output: string;
  readonly dryRun?: boolean;
}

export function eventsPackCommand(terminal: Terminal): Command {
  return new Command("pack")
    .description(
      "write the registry as a pack for a language model: rules, schemas, examples, snippets, fixtures",
    )
    .requiredOption("--output <dir>", "folder of the pack; its own files are replaced, others never")
    .addOption(registryOption())
    .option("--dry-run", "write nothing, show the plan")
    .addOption(jsonOption())
    .addHelpText("after", "\nBegin to read with llms.txt. Same registry, same pack.")
    .addHelpText("after", "\nExample:\n  adaos events pack --output contract-pack")
    .action(async ({ registry, output, dryRun, json }: PackOptions) => {
      const { applyPack, diffPack, planPack } = await import("@adaos/registry-tools");
      const { openApiOf } = await import("@adaos/registry-tools/docs");
      const openApi = await openApiOf(registry);
      const { files, parts, events, typesProblem } = await planPack(registry, openApi);
      const { created, changed, removed, same } = (dryRun === true ? diffPack : applyPack)(output, files);
      if (typesProblem !== undefined) terminal.say(`no types were made: ${typesProblem}`);
      if (json === true) {
        const listed = parts.map(({ path, refs, tokens }) => ({ path, events: refs, tokens }));
        const result = { events, parts: listed, created, changed, removed, same: same.length };
        return terminal.out(visibleJson({ ...result, dry_run: dryRun === true }));
      }
      const would = dryRun === true ? "would " : "";
      for (const path of created) terminal.out(`${would}create ${join(output, path)}`);
      for (const path of changed) terminal.out(`${would}change ${join(output, path)}`);
      for (const path of removed) terminal.out(`${would}remove ${join(output, path)}`);
      const largest = Math.max(0, ...parts.map(({ tokens }) => tokens));
      terminal.say(
        `${counted(events, "event")} in ${counted(parts.length, "part")}, the largest of about ${largest} tokens`,
      );
    });
}
