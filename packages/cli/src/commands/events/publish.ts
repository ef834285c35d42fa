import { connect } from "@adaos/client";
import { type PublishOptions, parseEventRef } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseData } from "../../options/parse-data.ts";
import { quietLog, type Terminal, table } from "../../terminal/terminal.ts";

interface EventsPublishOptions extends StateOptions {
  readonly data: string;
  readonly as: string;
  readonly idempotencyKey?: string;
  readonly correlationId?: string;
  readonly eventId?: string;
}

export function eventsPublishCommand(terminal: Terminal): Command {
  return new Command("publish")
    .description("publish one event as a member")
    .argument("<event>", "name, with or without its version: ui.notify@1")
    .requiredOption("--data <json>", "the event's data: JSON, @FILE, or - for standard input")
    .requiredOption("--as <subnet/node>", "the member to publish as")
    .option("--idempotency-key <key>", "names the effect, so that handlers can tell a repetition")
    .option("--correlation-id <id>", "ties the event to others")
    .option("--event-id <id>", "repeat a publish whose outcome is unknown")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `\nExample:\n  adaos events publish ui.notify --data '{"text":"Tea is ready"}' --as alpha/kitchen`,
    )
    .action(async (event: string, options: EventsPublishOptions) => {
      parseEventRef(event);
      const data = parseData(options.data);
      const bus = await connect({
        as: options.as,
        state: options.state,
        component: "cli",
        log: quietLog(terminal),
      });
      try {
        const { eventId, subject, stream, seq, duplicate } = await bus.publish(
          event,
          data,
          publishOptions(options),
        );
        const told = { event_id: eventId, subject, stream, seq, duplicate };
        if (options.json === true) return terminal.out(visibleJson(told));
        for (const line of table(Object.entries(told).map(([key, value]) => [key, String(value)])))
          terminal.out(line);
      } finally {
        await bus.close();
      }
    });
}

function publishOptions({ idempotencyKey, correlationId, eventId }: EventsPublishOptions): PublishOptions {
  return {
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(eventId === undefined ? {} : { eventId }),
  };
}
