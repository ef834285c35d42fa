import { resolveStateDir } from "@adaos/config";
import { counted, type ProcessingRecord, visibleJson } from "@adaos/core/wire";
import {
  deadLetters,
  EventMask,
  eventAt,
  FailureCounts,
  type OpenServer,
  processingRecords,
  summaryOf,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command, Option } from "commander";
import type { StateOptions } from "../../options/options.ts";
import { type LineOutput, openOutput } from "../../terminal/output-file.ts";
import { progress } from "../../terminal/progress.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { withHubs, withSubnet } from "./failures/failure-options.ts";

interface ExportOptions extends StateOptions {
  readonly at?: string;
  readonly output: string;
  readonly format: "report" | "jsonl";
  readonly force?: boolean;
}

/** Counts of the written lines. */
interface Written {
  records: number;
  dead_letters: number;
}

export function eventsExportCommand(terminal: Terminal): Command {
  return withSubnet(new Command("export"))
    .description("write an error report to a file")
    .requiredOption("--output <file>", "where to, or - for standard output")
    .addOption(
      new Option("--format <format>", "one JSON document with counts and dead letters, or a record a line")
        .choices(["report", "jsonl"])
        .default("report"),
    )
    .option("--force", "overwrite the file")
    .addHelpText("after", "\nA record has the event's data, masked, while the event is in its stream.")
    .addHelpText("after", "\nExample:\n  adaos events export --output errors.json --at beta")
    .action((options: ExportOptions) => exportReport(options, terminal));
}

async function exportReport(options: ExportOptions, terminal: Terminal): Promise<void> {
  const { mesh } = readLayout(resolveStateDir(options.state));
  const output = await openOutput(options.output, options.force === true, terminal);
  const written: Written = { records: 0, dead_letters: 0 };
  const ticker = progress(
    terminal,
    () => `${counted(written.records, "record")} and ${counted(written.dead_letters, "dead letter")} so far`,
  );
  try {
    await (options.format === "jsonl"
      ? writeLines(output, options, written, terminal)
      : writeReport(output, mesh, options, written, terminal));
    await output.done();
  } finally {
    ticker.end();
    await output.discard();
  }
  if (options.output === "-") return;
  if (options.json === true) terminal.out(visibleJson({ output: options.output, ...written }));
  else
    terminal.say(
      `${options.output}: ${counted(written.records, "record")}, ${counted(written.dead_letters, "dead letter")}`,
    );
}

async function writeLines(
  output: LineOutput,
  options: ExportOptions,
  written: Written,
  terminal: Terminal,
): Promise<void> {
  const mask = await EventMask.open(options.state, terminal.say);
  await withHubs(options, terminal, async (hub) => {
    for await (const record of processingRecords(hub)) {
      await output.line(visibleJson(exportedRecord(record, await dataOf(record, hub, mask))));
      written.records++;
    }
  });
}

/** The fields that readers of the earlier systems' files know, and no other. */
function exportedRecord(record: ProcessingRecord, data: unknown): object {
  const { event_id, timestamp, event_type, source, status } = record;
  const { error_info = null, retry_info = null, recovery_actions } = record;
  return { event_id, timestamp, event_type, source, data, status, error_info, retry_info, recovery_actions };
}

/** The event's masked data; `null` for a run, and when the event is no longer in the stream. */
async function dataOf(
  { stream, seq, event_id }: ProcessingRecord,
  hub: OpenServer,
  mask: EventMask,
): Promise<unknown> {
  if (stream === "") return null;
  const event = await eventAt(hub, stream, seq);
  // A stream that was recreated counts from 1 again.
  if (event === undefined || event.envelope.event_id !== event_id) return null;
  return mask.envelope(event.envelope, event.subject).data ?? null;
}

/** Written while it is read: the lists may be longer than memory, so the counts come last. */
async function writeReport(
  output: LineOutput,
  mesh: string,
  options: ExportOptions,
  written: Written,
  terminal: Terminal,
): Promise<void> {
  const counts = new FailureCounts();
  const generated = visibleJson(new Date().toISOString());
  await output.line(`{"generated_at":${generated},"mesh":${visibleJson(mesh)},"records":[`);
  await withHubs(options, terminal, async (hub) => {
    for await (const record of processingRecords(hub)) {
      counts.addRecord(record);
      await output.line(item(record, written.records++));
    }
  });
  await output.line('],"dead_letters":[');
  await withHubs(options, terminal, async (hub) => {
    for await (const letter of deadLetters(hub)) {
      counts.addDeadLetter(letter.entry);
      await output.line(item(summaryOf(letter), written.dead_letters++));
    }
  });
  await output.line(`],"counts":${visibleJson(counts.counted())}}`);
}

function item(value: object, before: number): string {
  return `${before === 0 ? "" : ","}${visibleJson(value)}`;
}
