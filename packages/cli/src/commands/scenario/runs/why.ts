import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import {
  EventMask,
  hubServers,
  knownPast,
  parseScenarioName,
  type ScenarioStand,
  scenarioStand,
  stateOf,
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
    const { runs, skips, textThen } = await knownPast(hub, name, mask, stored.hash);
    const active = runs.filter(({ outcome }) => outcome === "active");
    const all = triggerOutcomes(runs, skips, 0, 1);
    const scenarioText = textThen ?? textOnThisMachine(layout, name);
    const stand = scenarioStand(stored, active, all[0], scenarioText, Date.now());
    print(triggerOutcomes(runs, skips, sinceMs, MAX_SHOWN).toReversed(), all[0], stand, options, terminal);
  });
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
