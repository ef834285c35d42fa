import { resolveStateDir } from "@adaos/config";
import { counted, failuresOf, firstLine, visibleJson } from "@adaos/core/wire";
import { EventMask, hubServers, type KnownEvent, lookUpEvent, maskKnown } from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";

export function eventsDetailCommand(terminal: Terminal): Command {
  return new Command("detail")
    .description("everything known about one event: its streams, its handling, its dead letters")
    .argument("<id>", "its id, or the id of a dead letter")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos events detail EVT-20260105-093000-0123456789ab --json")
    .action(async (id: string, options: StateOptions) => {
      const mask = await EventMask.open(options.state, terminal.say);
      const layout = readLayout(resolveStateDir(options.state));
      const { known: found, away } = await lookUpEvent(hubServers(layout, undefined), id);
      for (const { of, reason } of away) terminal.say(`left out ${of}: ${reason}`);
      if (away.length > 0) process.exitCode = EXIT_CODES.unavailable;
      const known = maskKnown(found, mask);
      if (options.json === true) return terminal.out(visibleJson(known));
      for (const line of describe(known)) terminal.out(line);
    });
}

function describe({ event_id, event, records, dead_letters }: KnownEvent): string[] {
  const lines =
    event === null
      ? [`${event_id}: it is in no stream any more`]
      : table([
          ["event", event_id],
          ["subject", event.subject],
          ["stored", `${event.stream} ${event.seq}, ${event.stored_at}`],
          ["envelope", visibleJson(event.envelope)],
        ]);
  for (const record of records) {
    const { node, durable, status, timestamp, error_info, recovery_actions, attempts = [] } = record;
    const why =
      error_info === undefined ? "" : `${error_info.category}: ${firstLine(error_info.message, 200)}`;
    const tries = counted(failuresOf(record), "failed attempt");
    lines.push("", `${node} ${durable}  ${status} ${timestamp}, ${tries}  ${why}`.trimEnd());
    for (const [i, { timestamp: at, action, backoff_seconds, because }] of recovery_actions.entries()) {
      const failed = attempts[i + attempts.length - recovery_actions.length];
      const what = failed === undefined ? "" : `${failed.type}: ${firstLine(failed.message, 120)}; `;
      const wait = backoff_seconds > 0 ? `, ${backoff_seconds} s` : "";
      lines.push(`  ${at} ${what}${action}${wait}${because === undefined ? "" : `: ${because}`}`);
    }
  }
  for (const { dead_letter_id, at, category, rule, error } of dead_letters) {
    lines.push("", `${dead_letter_id}  ${at} ${category} (${rule})`);
    for (const line of error.stack.split("\n")) lines.push(`  ${firstLine(line, 200)}`);
  }
  return lines;
}
