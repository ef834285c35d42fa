import { Command } from "commander";
import type { Terminal } from "../../terminal/terminal.ts";
import { bridgeCloudEventsCommand } from "./cloudevents.ts";

export function bridgeCommand(terminal: Terminal): Command {
  return new Command("bridge")
    .description("carry events between the mesh and what is not of it")
    .addCommand(bridgeCloudEventsCommand(terminal));
}
