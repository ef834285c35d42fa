import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { registryDiffCommand } from "./events-registry-diff.ts";
import { registryGenerateCommand } from "./events-registry-generate.ts";
import { registryLintCommand } from "./events-registry-lint.ts";
import { registryReleaseCommand } from "./events-registry-release.ts";

export function eventsRegistryCommand(terminal: Terminal): Command {
  return new Command("registry")
    .description("look after the registry of contracts: check it, bring its generated files up to date")
    .addCommand(registryLintCommand(terminal))
    .addCommand(registryGenerateCommand(terminal))
    .addCommand(registryDiffCommand(terminal))
    .addCommand(registryReleaseCommand(terminal));
}
