import { MeshError } from "@adaos/core";
import {
  assertEnded,
  assertRunId,
  formatScenarioName,
  type OfScenario,
  parseScenarioName,
  planRetries,
  retryRequest,
  type ScenarioRequest,
  scenarioAct,
  stepToRetry,
  storedRuns,
} from "@adaos/operations";
import type { Run } from "@adaos/skills";
import { Command } from "commander";
import { audited } from "../../../options/audited.ts";
import { type ChangeOptions, confirmed, tellCounts } from "../../../options/change-options.ts";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import { parseTime } from "../../../options/parse-time.ts";
import type { Terminal } from "../../../terminal/terminal.ts";
import { askAll, countsOf, withHubsOf } from "./scenario-hubs.ts";
import { findEverywhere } from "./show.ts";

interface RetryOptions extends StateOptions, ChangeOptions {
  readonly scenario?: string;
  readonly failed?: boolean;
  readonly from?: string;
  readonly since?: number;
}

export function scenarioRetryCommand(terminal: Terminal): Command {
  return new Command("retry")
    .description("run again what has ended, with the same trigger and the scenario as it is now")
    .argument("[run...]", "ids of runs; adaos scenario runs prints them")
    .option("--from <step>", "go on at this step, with the results before it: effects[2]")
    .option("--scenario <subnet/node/scenario>", "with --failed: the runs of this scenario")
    .option("--failed", "all its failed runs whose trigger has had no later run")
    .option("--since <time>", "with --failed: those begun since then (default: all that are kept)", parseTime)
    .option("--dry-run", "only show the plan")
    .option("--yes", "do not ask")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nConditions are not asked again. Effects that were done are done again.")
    .addHelpText(
      "after",
      "\nExamples:\n  adaos scenario retry RUN-20260105-093000-0123456789ab --from 'effects[2]'\n  adaos scenario retry --scenario alpha/kitchen/heating --failed --since 1h --dry-run",
    )
    .action((ids: readonly string[], options: RetryOptions) => retry(ids, options, terminal));
}

async function retry(ids: readonly string[], options: RetryOptions, terminal: Terminal): Promise<void> {
  const { scenario, failed, since, from } = options;
  if (
    ids.length > 0 === (scenario !== undefined || failed === true) ||
    (ids.length > 0 && since !== undefined)
  )
    throw new MeshError(
      "usage",
      "say what to retry: ids of runs, or --scenario subnet/node/scenario with --failed",
    );
  if (ids.length > 0) return retryNamed(ids, options, terminal);
  if (scenario === undefined || failed !== true)
    throw new MeshError("usage", "--scenario and --failed go together: the failed runs of one scenario");
  if (from !== undefined) throw new MeshError("usage", "--from is a step of one run: name that run");
  await retryFailed(scenario, options, terminal);
}

async function retryNamed(ids: readonly string[], options: RetryOptions, terminal: Terminal): Promise<void> {
  if (options.from !== undefined && ids.length > 1)
    throw new MeshError("usage", "--from is a step of one run: name one run");
  for (const id of ids) assertRunId(id);
  const requests: ScenarioRequest[] = [];
  for (const id of ids) {
    const found = await findEverywhere(id, options, terminal);
    assertEnded(found.value);
    requests.push(retryRequest(found, await stepOf(found, options, terminal)));
  }
  if (options.dryRun === true) {
    await confirmed("retry", "run", { count: requests.length }, options, terminal);
    return;
  }
  await ask(ids.join(", "), requests, options, terminal);
}

async function retryFailed(scenario: string, options: RetryOptions, terminal: Terminal): Promise<void> {
  const name = parseScenarioName(scenario);
  const runs: Run[] = [];
  await withHubsOf([scenario], options, terminal, async (hub) => {
    runs.push(...(await storedRuns(hub, name)));
  });
  const plan = planRetries(runs, options.since ?? 0);
  const counts = {
    count: plan.runs.length,
    ...(plan.settled === 0 ? {} : { "tried again since": plan.settled }),
  };
  if (!(await confirmed("retry", "run", counts, options, terminal))) return;
  await ask(
    scenario,
    plan.runs.map((value) => retryRequest({ name, value }, undefined)),
    options,
    terminal,
  );
}

async function ask(
  what: string,
  requests: readonly ScenarioRequest[],
  options: RetryOptions,
  terminal: Terminal,
): Promise<void> {
  const act = scenarioAct("retry", what, requests);
  const answered = await audited(options, terminal, act, (tally) =>
    askAll(requests, options, terminal, tally),
  );
  for (const { asked } of requests) if (asked.kind === "retry") terminal.say(`the new run is ${asked.runId}`);
  tellCounts(countsOf("retried", answered), options, terminal);
}

async function stepOf(
  found: OfScenario<Run>,
  { from, state }: RetryOptions,
  terminal: Terminal,
): Promise<number | undefined> {
  if (from === undefined) return undefined;
  let step: number | undefined;
  await withHubsOf([formatScenarioName(found.name)], { state }, terminal, async (hub) => {
    step = await stepToRetry(hub, found, from);
  });
  return step;
}
