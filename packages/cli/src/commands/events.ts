import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { eventsDlqCommand } from "./events-dlq.ts";
import { eventsPublishCommand } from "./events-publish.ts";
import { eventsTailCommand } from "./events-tail.ts";

export function eventsCommand(terminal: Terminal): Command {
  return new Command("events")
    .description("publish and watch events, and look after the ones that failed")
    .addCommand(eventsPublishCommand(terminal))
    .addCommand(eventsTailCommand(terminal))
    .addCommand(eventsDlqCommand(terminal));
}
