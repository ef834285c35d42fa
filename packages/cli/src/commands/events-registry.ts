import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { registryGenerateCommand } from "./events-registry-generate.ts";
import { registryImportCommand } from "./events-registry-import.ts";
import { registryLintCommand } from "./events-registry-lint.ts";

export function eventsRegistryCommand(terminal: Terminal): Command {
  return new Command("registry")
    .description(
      "look after the registry of contracts: check it, bring its generated files up to date, fill it",
    )
    .addCommand(registryLintCommand(terminal))
    .addCommand(registryGenerateCommand(terminal))
    .addCommand(registryImportCommand(terminal));
}
