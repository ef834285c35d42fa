import type { MetricsSnapshot } from "@adaos/core/wire";
import { type LatencySummary, type MetricsSummary, summarize, visibleJson } from "@adaos/core/wire";
import { storedMetrics } from "@adaos/operations";
import { Command } from "commander";
import type { StateOptions } from "../../options/options.ts";
import { parseDuration } from "../../options/parse-time.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { withHubs, withSubnet } from "./failures/failure-options.ts";

export interface MetricsOptions extends StateOptions {
  readonly at?: string;
  readonly node?: string;
  /** Milliseconds back from now. */
  readonly since: number;
}

export function withMetricsOptions(command: Command): Command {
  return withSubnet(command)
    .option("--node <subnet/node>", "one member (default: all)")
    .option("--since <time>", "of the last 24h, 7d; whole hours", parseDuration, 24 * 3_600_000);
}

export function eventsMetricsCommand(terminal: Terminal): Command {
  return withMetricsOptions(new Command("metrics"))
    .description("counts of published and handled events, their outcomes and latency")
    .addHelpText(
      "after",
      "\nMembers report every ten seconds; enable_metrics: false in mesh.yaml stops that.",
    )
    .addHelpText("after", "\nExample:\n  adaos events metrics --at beta --since 7d")
    .action(async (options: MetricsOptions) => {
      const summary = summarize(await readMetrics(options, terminal));
      if (options.json === true) terminal.out(visibleJson(summary));
      else print(summary, terminal);
    });
}

export async function readMetrics(options: MetricsOptions, terminal: Terminal): Promise<MetricsSnapshot[]> {
  const found: MetricsSnapshot[] = [];
  await withHubs(options, terminal, async (hub) => {
    for await (const snapshot of storedMetrics(hub, Date.now() - options.since)) {
      if (options.node === undefined || snapshot.node === options.node) found.push(snapshot);
    }
  });
  return found;
}

function print(summary: MetricsSummary, terminal: Terminal): void {
  const { outcomes, retries } = summary;
  const { total } = outcomes;
  section(terminal, "Events", [
    ["Total", String(total), "handling ended"],
    ["Success", String(outcomes.success), share(outcomes.success, total)],
    ["Failed", String(outcomes.failed), share(outcomes.failed, total)],
    ["Retried", String(summary.success_after_retry), share(summary.success_after_retry, total)],
    ["DLQ", String(outcomes.dead_letter), share(outcomes.dead_letter, total)],
    ["Published", String(summary.published), ""],
    ["Repeated", String(summary.repeated), "not run again"],
    ["Parked", String(summary.parked), "waited for their schema"],
    ["Put off", String(summary.held), "the hub took no dead letter or mark"],
  ]);
  section(terminal, "Errors by category", countRows(summary.by_category));
  section(terminal, "Errors by type", countRows(summary.by_type));
  section(terminal, "Rejected publishes by code", countRows(summary.publish_failures));
  section(terminal, "Latency (ms)", [
    ["", "Min", "Avg", "P50", "P95", "P99", "Max", "Count"],
    ["handling", ...latencyRow(summary.handling_ms)],
    ["age", ...latencyRow(summary.age_ms)],
    ["publish", ...latencyRow(summary.publish_ms)],
  ]);
  section(terminal, "Retries", [
    ["Total", "Avg", "Max"],
    [String(retries.total), retries.avg.toFixed(2), String(retries.max)],
  ]);
  const hours = Object.entries(summary.by_hour).map(([hour, counts]) => [
    hour.slice(0, 16),
    ...[counts.published, counts.total, counts.success, counts.failed, counts.dead_letter].map(String),
  ]);
  section(terminal, "By hour (UTC)", [["", "Published", "Total", "Success", "Failed", "DLQ"], ...hours]);
}

function section(terminal: Terminal, title: string, rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) return;
  terminal.out(terminal.colors.bold(title));
  for (const line of table(rows)) terminal.out(`  ${line}`);
}

function share(count: number, total: number): string {
  return total === 0 ? "" : `${((count / total) * 100).toFixed(2)} %`;
}

function countRows(counts: Readonly<Record<string, number>>): string[][] {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([what, count]) => [what, String(count)]);
}

function latencyRow({ min, avg, p50, p95, p99, max, count }: LatencySummary): string[] {
  return [...[min, avg, p50, p95, p99, max].map((ms) => ms.toFixed(ms < 10 ? 1 : 0)), String(count)];
}
