import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import {
  activeRuns,
  EventMask,
  endedRuns,
  hubServers,
  type OpenServer,
  parseScenarioName,
  type RunReport,
  reportRun,
  reportSkip,
  type ScenarioName,
  type ScenarioStand,
  type SkipReport,
  scenarioStand,
  skippedRuns,
  type TriggerOutcome,
  textOnThisMachine,
  triggerOutcomes,
  withServers,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import { parseTime } from "../../../options/parse-time.ts";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { outcomeCells } from "./print-run.ts";
import { stateOf } from "./scenario-hubs.ts";

interface WhyOptions extends StateOptions {
  readonly since?: number;
}

const HOUR_MS = 3_600_000;
const MAX_SHOWN = 20;

export function scenarioWhyCommand(terminal: Terminal): Command {
  return new Command("why")
    .description(
      "what came of a scenario's newest triggers, why others started nothing, and what it waits for",
    )
    .argument("<subnet/node/scenario>", "which; adaos scenario list names them")
    .option("--since <time>", "triggers since then (default: 1h)", parseTime)
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos scenario why alpha/kitchen/heating --since 2h")
    .action((text: string, options: WhyOptions) => why(text, options, terminal));
}

async function why(text: string, options: WhyOptions, terminal: Terminal): Promise<void> {
  const name = parseScenarioName(text);
  const layout = readLayout(resolveStateDir(options.state));
  const mask = await EventMask.open(options.state, terminal.say);
  const sinceMs = options.since ?? Date.now() - HOUR_MS;
  await withServers(hubServers(layout, name.subnet), async (hub) => {
    const stored = await stateOf(hub, name);
    const { runs, skips, textThen } = await pastOf(hub, name, mask, stored.hash);
    const active = runs.filter(({ outcome }) => outcome === "active");
    const all = triggerOutcomes(runs, skips, 0, 1);
    const scenarioText = textThen ?? textOnThisMachine(layout, name);
    const stand = scenarioStand(stored, active, all[0], scenarioText, Date.now());
    print(triggerOutcomes(runs, skips, sinceMs, MAX_SHOWN).toReversed(), all[0], stand, options, terminal);
  });
}

async function pastOf(
  hub: OpenServer,
  name: ScenarioName,
  mask: EventMask,
  hash: string,
): Promise<{
  readonly runs: RunReport[];
  readonly skips: SkipReport[];
  readonly textThen: string | undefined;
}> {
  const nowMs = Date.now();
  const runs = new Map<string, RunReport>();
  let textThen: string | undefined;
  for (const source of [activeRuns(hub, name), endedRuns(hub, name)])
    for await (const { value } of source) {
      if (!runs.has(value.id)) runs.set(value.id, reportRun(name, value, mask, nowMs));
      if (value.hash === hash) textThen = value.text;
    }
  const skips: SkipReport[] = [];
  for await (const { value } of skippedRuns(hub, name))
    skips.push(...value.newest.map((skip) => reportSkip(name, skip, mask)));
  return { runs: [...runs.values()], skips, textThen };
}

function print(
  outcomes: readonly TriggerOutcome[],
  newest: TriggerOutcome | undefined,
  { sentences, next }: ScenarioStand,
  { json }: WhyOptions,
  terminal: Terminal,
): void {
  if (json === true) {
    for (const outcome of outcomes) terminal.out(visibleJson(outcome));
    return terminal.out(visibleJson({ stand: sentences, next }));
  }
  for (const line of table(outcomes.map(outcomeCells))) terminal.out(line);
  if (outcomes.length === 0 && newest !== undefined)
    terminal.out(`No trigger since then; the last was at ${newest.at}.`);
  for (const sentence of sentences) terminal.out(sentence);
  terminal.out(`next: ${next}`);
}
