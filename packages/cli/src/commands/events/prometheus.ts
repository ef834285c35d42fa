import { counted, prometheusText, visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { openOutput } from "../../terminal/output-file.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { type MetricsOptions, readMetrics, withMetricsOptions } from "./metrics.ts";

/** Processes without a report for longer are left out. */
const ALL_MS = 31 * 86_400_000;
/** A collector of another user reads it. */
const MODE = 0o644;

export function eventsPrometheusCommand(terminal: Terminal): Command {
  return withMetricsOptions(new Command("prometheus"))
    .description("the metrics in Prometheus' text format, for a textfile collector")
    .requiredOption("--output <file>", "where to, replaced as a whole, or - for standard output")
    .addHelpText(
      "after",
      "\nEach process counts from its start; --since leaves out processes without a report since then (31d).",
    )
    .addHelpText("after", "\nExample:\n  adaos events prometheus --output metrics.prom")
    .action(async (options: MetricsOptions & { readonly output: string }, command: Command) => {
      const isGiven = command.getOptionValueSource("since") === "cli";
      const snapshots = await readMetrics(isGiven ? options : { ...options, since: ALL_MS }, terminal);
      const output = await openOutput(options.output, true, terminal, MODE);
      try {
        await output.line(prometheusText(snapshots).trimEnd());
        await output.done();
      } finally {
        await output.discard();
      }
      if (options.output === "-") return;
      if (options.json === true) terminal.out(visibleJson({ output: options.output }));
      else terminal.say(`${options.output}: ${counted(snapshots.length, "hour")} of members`);
    });
}
