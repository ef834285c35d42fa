import { firstLine, type ProcessingRecord, visibleJson } from "@adaos/core/wire";
import { Newest, processingRecords } from "@adaos/operations";
import { Command } from "commander";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { type FailureOptions, withFilters, withHubs, withLimit } from "./failure-options.ts";

export function eventsFailedCommand(terminal: Terminal): Command {
  return withLimit(withFilters(new Command("failed")))
    .option("--tag <tag>", "runs (bus.run) with this tag")
    .description("events that a handler has failed for good, one line each, newest last")
    .addHelpText("after", "\nExample:\n  adaos events failed --at beta --event ui. --limit 20")
    .action(async (options: FailureOptions & { readonly limit: number; readonly tag?: string }) => {
      const found = new Newest<ProcessingRecord>(options.limit, ({ timestamp }) => timestamp);
      await withHubs(options, terminal, async (hub) => {
        for await (const record of processingRecords(hub, options)) {
          if (isFinal(record) && isTagged(record, options.tag)) found.add(record);
        }
      });
      const records = found.items();
      if (options.json === true) {
        for (const record of records) terminal.out(visibleJson(record));
        return;
      }
      for (const line of table(records.map(rowOf))) terminal.out(line);
      const more = found.seen > records.length ? ` of ${found.seen}; see more with --limit` : "";
      terminal.say(`${records.length} failed events${more}`);
    });
}

function isFinal({ status }: ProcessingRecord): boolean {
  return status === "failed" || status === "dead_letter";
}

function isTagged({ tags }: ProcessingRecord, tag: string | undefined): boolean {
  return tag === undefined || (Array.isArray(tags) && tags.includes(tag));
}

function rowOf(record: ProcessingRecord): string[] {
  const { event_id, timestamp, status, node, durable, event_type, error_info } = record;
  const message = firstLine(error_info?.message ?? "", 60);
  return [timestamp, event_id, status, error_info?.category ?? "", node, durable, event_type, message];
}
