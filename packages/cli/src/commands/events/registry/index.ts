import { Command } from "commander";
import type { Terminal } from "../../../terminal/terminal.ts";
import { eventsRegistryCheckCommand } from "./check.ts";
import { registryDiffCommand } from "./diff.ts";
import { eventsRegistryDriftCommand } from "./drift.ts";
import { registryGenerateCommand } from "./generate.ts";
import { registryImportCommand } from "./import.ts";
import { registryLintCommand } from "./lint.ts";
import { registryReleaseCommand } from "./release.ts";

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
