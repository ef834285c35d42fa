import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { eventsRegistryCheckCommand } from "./events-registry-check.ts";
import { registryDiffCommand } from "./events-registry-diff.ts";
import { eventsRegistryDriftCommand } from "./events-registry-drift.ts";
import { registryGenerateCommand } from "./events-registry-generate.ts";
import { registryImportCommand } from "./events-registry-import.ts";
import { registryLintCommand } from "./events-registry-lint.ts";
import { registryReleaseCommand } from "./events-registry-release.ts";

export function eventsRegistryCommand(terminal: Terminal): Command {
  return new Command("registry")
    .description("look after the registry of contracts, and hold it against what the running mesh holds")
    .addCommand(registryLintCommand(terminal))
    .addCommand(registryGenerateCommand(terminal))
    .addCommand(registryImportCommand(terminal))
    .addCommand(registryDiffCommand(terminal))
    .addCommand(registryReleaseCommand(terminal))
    .addCommand(eventsRegistryDriftCommand(terminal))
    .addCommand(eventsRegistryCheckCommand(terminal));
}
