import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { eventsPublishCommand } from "./events-publish.ts";
import { eventsTailCommand } from "./events-tail.ts";

export function eventsCommand(terminal: Terminal): Command {
  return new Command("events")
    .description("publish and watch events")
    .addCommand(eventsPublishCommand(terminal))
    .addCommand(eventsTailCommand(terminal));
}
