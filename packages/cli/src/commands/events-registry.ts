import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { eventsRegistryCheckCommand } from "./events-registry-check.ts";
import { eventsRegistryDriftCommand } from "./events-registry-drift.ts";

export function eventsRegistryCommand(terminal: Terminal): Command {
  return new Command("registry")
    .description("what is declared of events, beside what the running mesh holds")
    .addCommand(eventsRegistryDriftCommand(terminal))
    .addCommand(eventsRegistryCheckCommand(terminal));
}
