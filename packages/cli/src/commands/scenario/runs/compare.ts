import { visibleJson } from "@adaos/core/wire";
import {
  type ComparedRuns,
  comparablePast,
  compareRuns,
  parseScenarioName,
  type ScenarioPast,
} from "@adaos/operations";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import { parseTime } from "../../../options/parse-time.ts";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { comparedCells } from "./print-run.ts";
import { withHubsOf } from "./scenario-hubs.ts";

interface CompareOptions extends StateOptions {
  readonly since?: number;
}

const DAY_MS = 86_400_000;
const HEAD = ["at", "trigger", "result", "live", "shadow", "difference"];

export function scenarioCompareCommand(terminal: Terminal): Command {
  return new Command("compare")
    .description("runs of a scenario beside those of its shadow: same, or the first step that differs")
    .argument("<live>", "subnet/node/scenario that publishes")
    .argument("<shadow>", "subnet/node/scenario with shadow: true, which publishes nothing")
    .option("--since <time>", "of triggers since then (default: 24h)", parseTime)
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nData are compared by a digest, so their values stay where they are.")
    .addHelpText(
      "after",
      "\nExample:\n  adaos scenario compare alpha/kitchen/heating alpha/kitchen/heating-next",
    )
    .action(async (live: string, shadow: string, options: CompareOptions) => {
      for (const text of [live, shadow]) parseScenarioName(text);
      const sinceMs = options.since ?? Date.now() - DAY_MS;
      const pairs = compareRuns(
        await pastOf(live, sinceMs, options, terminal),
        await pastOf(shadow, sinceMs, options, terminal),
      );
      if (options.json === true) for (const pair of pairs) terminal.out(visibleJson(pair));
      else {
        for (const line of table(pairs.length === 0 ? [] : [HEAD, ...pairs.map(comparedCells)]))
          terminal.out(line);
        terminal.say(summaryOf(pairs));
      }
    });
}

async function pastOf(
  name: string,
  sinceMs: number,
  options: CompareOptions,
  terminal: Terminal,
): Promise<ScenarioPast> {
  let past: ScenarioPast = { runs: [], skips: [] };
  await withHubsOf([name], options, terminal, async (hub) => {
    past = await comparablePast(hub, parseScenarioName(name), sinceMs);
  });
  return past;
}

function summaryOf(pairs: readonly ComparedRuns[]): string {
  if (pairs.length === 0) return "neither has a run since then";
  const counts = new Map<string, number>();
  for (const { result } of pairs) counts.set(result, (counts.get(result) ?? 0) + 1);
  return [...counts].map(([result, count]) => `${count} ${result}`).join(", ");
}
