import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { bridgeCloudEventsCommand } from "./bridge-cloudevents.ts";

export function bridgeCommand(terminal: Terminal): Command {
  return new Command("bridge")
    .description("carry events between the mesh and what is not of it")
    .addCommand(bridgeCloudEventsCommand(terminal));
}
