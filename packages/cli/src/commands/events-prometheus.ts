import { prometheusText } from "@adaos/core";
import { Command } from "commander";
import { openOutput } from "../output-file.ts";
import type { Terminal } from "../terminal.ts";
import { type MetricsOptions, readMetrics, withMetricsOptions } from "./events-metrics.ts";

/** Counters must not fall as hours pass out of sight: everything that is kept is added up. */
const ALL_MS = 10 * 366 * 86_400_000;
/** A collector of another user reads it. */
const MODE = 0o644;

export function eventsPrometheusCommand(terminal: Terminal): Command {
  return withMetricsOptions(new Command("prometheus"))
    .description("the metrics in Prometheus' text format, for a textfile collector")
    .requiredOption("--output <file>", "where to, replaced as a whole, or - for standard output")
    .addHelpText("after", "\nWithout --since everything that is kept is counted, 31 days.")
    .addHelpText("after", "\nExample:\n  adaos events prometheus --output metrics.prom")
    .action(async (options: MetricsOptions & { readonly output: string }, command: Command) => {
      const isGiven = command.getOptionValueSource("since") === "cli";
      const snapshots = await readMetrics(isGiven ? options : { ...options, since: ALL_MS });
      const output = await openOutput(options.output, true, terminal, MODE);
      try {
        await output.line(prometheusText(snapshots).trimEnd());
        await output.done();
      } finally {
        await output.discard();
      }
      if (options.output === "-") return;
      if (options.json === true) terminal.out(JSON.stringify({ output: options.output }));
      else terminal.say(`${options.output}: ${snapshots.length} hours of members`);
    });
}
