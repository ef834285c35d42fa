import { counted, firstLine, type ProcessingRecord, visibleJson } from "@adaos/core/wire";
import { failedRecords, Newest } from "@adaos/operations";
import { Command } from "commander";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { type FailureOptions, withFilters, withHubs, withLimit } from "./failure-options.ts";

/** Marks a failure whose dead letter was replayed; the replay's result is a separate record. */
type FailedRecord = ProcessingRecord & { readonly replayed?: true };

export function eventsFailedCommand(terminal: Terminal): Command {
  return withLimit(withFilters(new Command("failed")))
    .option("--tag <tag>", "runs (bus.run) with this tag, in any state")
    .description("events that a handler has failed for good, one line each, newest last")
    .addHelpText("after", "\nExample:\n  adaos events failed --at beta --event ui. --limit 20")
    .action(async (options: FailureOptions & { readonly limit: number; readonly tag?: string }) => {
      const found = new Newest<FailedRecord>(options.limit, ({ timestamp }) => timestamp);
      await withHubs(options, terminal, async (hub) => {
        for await (const { record, replays } of failedRecords(hub, options, options.tag))
          found.add(replays.length > 0 ? { ...record, replayed: true } : record);
      });
      const records = found.items();
      if (options.json === true) {
        for (const record of records) terminal.out(visibleJson(record));
        return;
      }
      for (const line of table(records.map(rowOf))) terminal.out(line);
      const more = found.seen > records.length ? ` of ${found.seen}; see more with --limit` : "";
      const what = options.tag === undefined ? "failed event" : "run";
      terminal.say(`${counted(records.length, what)}${more}`);
    });
}

function rowOf(record: FailedRecord): string[] {
  const { event_id, timestamp, status, node, durable, event_type, error_info } = record;
  const message = firstLine(error_info?.message ?? "", 60);
  const ended = record.replayed === true ? `${status}, replayed` : status;
  return [timestamp, event_id, ended, error_info?.category ?? "", node, durable, event_type, message];
}
