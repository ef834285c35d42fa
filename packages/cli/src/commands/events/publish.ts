import { newEventId, parseEventRef } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import { publishAs } from "@adaos/operations";
import { Command, Option } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseData } from "../../options/parse-data.ts";
import { parseDuration } from "../../options/parse-time.ts";
import { quietLog, type Terminal, table } from "../../terminal/terminal.ts";

/** Place in the outbox: see `Published`. */
const OUTBOX = "outbox";

interface EventsPublishOptions extends StateOptions {
  readonly data: string;
  readonly as: string;
  readonly idempotencyKey?: string;
  readonly correlationId?: string;
  readonly eventId?: string;
  /** Milliseconds. */
  readonly wait?: number;
  readonly outbox?: boolean;
}

export function eventsPublishCommand(terminal: Terminal): Command {
  return new Command("publish")
    .description("publish one event as a member")
    .argument("<event>", "name, with or without its version: ui.notify@1")
    .requiredOption("--data <json>", "the event's data: JSON, @FILE, or - for standard input")
    .requiredOption("--as <subnet/node>", "the member to publish as")
    .option("--idempotency-key <key>", "names the effect, so that handlers recognise a repetition")
    .option("--correlation-id <id>", "ties the event to others")
    .option("--event-id <id>", "repeat a publish whose outcome is unknown")
    .option(
      "--wait <time>",
      "while the hub is away try again, for so long at most: 30s, 10m, 2h",
      parseDuration,
    )
    .addOption(
      new Option(
        "--outbox",
        "while the hub is away keep the event on this machine; it is sent later",
      ).conflicts("wait"),
    )
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `\nExample:\n  adaos events publish ui.notify --data '{"text":"Tea is ready"}' --as alpha/kitchen`,
    )
    .action(async (event: string, given: EventsPublishOptions) => {
      parseEventRef(event);
      const { state, wait, ...options } = { ...given, eventId: given.eventId ?? newEventId(Date.now()) };
      const data = parseData(options.data);
      const request = { ...options, event, data, state, component: "cli", waitMs: wait };
      const { eventId, subject, stream, seq, duplicate } = await publishAs(request, quietLog(terminal));
      if (stream === OUTBOX)
        terminal.say(`the hub is away: kept on this machine, sent by the next program of ${options.as}`);
      const result = { event_id: eventId, subject, stream, seq, duplicate };
      if (options.json === true) return terminal.out(visibleJson(result));
      for (const line of table(Object.entries(result).map(([key, value]) => [key, String(value)])))
        terminal.out(line);
    });
}
