import { counted, visibleJson } from "@adaos/core/wire";
import {
  addedSkips,
  EventMask,
  formatScenarioName,
  Newest,
  type RunReport,
  reportSkip,
  runReports,
  type SkipCounts,
  type SkipReport,
  skippedRuns,
  timeText,
} from "@adaos/operations";
import { Command, Option } from "commander";
import type { StateOptions } from "../../../options/options.ts";
import { parseTime } from "../../../options/parse-time.ts";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { withLimit, withSubnet } from "../../events/failures/failure-options.ts";
import { RUN_HEAD, runCells, SKIP_HEAD, skipCells } from "./print-run.ts";
import { withHubsOf } from "./scenario-hubs.ts";

interface RunsOptions extends StateOptions {
  readonly at?: string;
  readonly active?: boolean;
  readonly failed?: boolean;
  readonly skipped?: boolean;
  readonly since?: number;
  readonly limit: number;
}

export function scenarioRunsCommand(terminal: Terminal): Command {
  return withLimit(withSubnet(new Command("runs")))
    .description("runs of scenarios, newest first: trigger, duration, outcome; or what did not run")
    .argument("[subnet/node/scenario...]", "of these scenarios (default: all)")
    .option("--active", "only those under way")
    .addOption(new Option("--failed", "only those that failed").conflicts("active"))
    .addOption(
      new Option("--skipped", "what did not run and why: counts, and the newest").conflicts([
        "active",
        "failed",
      ]),
    )
    .option("--since <time>", "begun since then: 1h, 2026-01-05T09:30:00Z", parseTime)
    .addHelpText(
      "after",
      "\nA hub keeps the last 100 records of each scenario: of runs that ended well, of others,",
    )
    .addHelpText("after", "and of what did not run.")
    .addHelpText("after", "\nExample:\n  adaos scenario runs alpha/kitchen/heating --failed --since 1h")
    .action((names: readonly string[], options: RunsOptions) =>
      options.skipped === true ? skips(names, options, terminal) : runs(names, options, terminal),
    );
}

async function runs(names: readonly string[], options: RunsOptions, terminal: Terminal): Promise<void> {
  const mask = await EventMask.open(options.state, terminal.say);
  const found = new Newest<RunReport>(options.limit, ({ started_at }) => started_at);
  const since = timeText(options.since ?? 0);
  const kind = options.active === true ? "active" : options.failed === true ? "failed" : "all";
  await withHubsOf(names, options, terminal, async (hub, filters) => {
    for (const filter of filters)
      for await (const run of runReports(hub, filter, kind, mask))
        if (run.started_at >= since) found.add(run);
  });
  const newest = found.items().toReversed();
  if (options.json === true) for (const run of newest) terminal.out(visibleJson(run));
  else
    for (const line of table(newest.length === 0 ? [] : [RUN_HEAD, ...newest.map(runCells)]))
      terminal.out(line);
  if (options.json !== true) terminal.say(counted(found.seen, "run"));
}

async function skips(names: readonly string[], options: RunsOptions, terminal: Terminal): Promise<void> {
  const mask = await EventMask.open(options.state, terminal.say);
  const newest = new Newest<SkipReport>(options.limit, ({ at }) => at);
  const counts = new Map<string, SkipCounts>();
  const sinceMs = options.since ?? 0;
  await withHubsOf(names, options, terminal, async (hub, filters) => {
    for (const filter of filters)
      for await (const { name, value } of skippedRuns(hub, filter)) {
        if (value.toMs < sinceMs) continue;
        const scenario = formatScenarioName(name);
        counts.set(scenario, addedSkips(counts.get(scenario) ?? {}, value.counts));
        for (const skip of value.newest) if (skip.atMs >= sinceMs) newest.add(reportSkip(name, skip, mask));
      }
  });
  const rows = newest.items().toReversed();
  if (options.json === true) {
    for (const [scenario, count] of counts)
      terminal.out(
        visibleJson({ scenario, counts: count, newest: rows.filter((row) => row.scenario === scenario) }),
      );
    return;
  }
  for (const [scenario, count] of counts) terminal.out(`${scenario}: ${countsText(count)}`);
  for (const line of table(rows.length === 0 ? [] : [SKIP_HEAD, ...rows.map(skipCells)])) terminal.out(line);
  if (counts.size === 0) terminal.say("nothing is recorded that did not run");
}

function countsText(counts: SkipCounts): string {
  return Object.entries(counts)
    .map(([cause, count]) => `${count} ${cause}`)
    .join(", ");
}
