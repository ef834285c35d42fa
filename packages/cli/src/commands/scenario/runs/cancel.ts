import { MeshError } from "@adaos/core";
import { assertRunId, cancelRequest, type NamedRun, scenarioAct, unendedRuns } from "@adaos/operations";
import { Command, Option } from "commander";
import { audited } from "../../../options/audited.ts";
import { type ChangeOptions, confirmed, tellCounts } from "../../../options/change-options.ts";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import type { Terminal } from "../../../terminal/terminal.ts";
import { withHubs } from "../../events/failures/failure-options.ts";
import { askAll, countsOf, withHubsOf } from "./scenario-hubs.ts";

interface CancelOptions extends StateOptions, ChangeOptions {
  readonly scenario?: string;
  readonly all?: boolean;
}

export function scenarioCancelCommand(terminal: Terminal): Command {
  return new Command("cancel")
    .description(
      "end runs that are under way or wait for their turn; what they have published stays published",
    )
    .argument("[run...]", "ids of runs; adaos scenario runs --active prints them")
    .addOption(new Option("--scenario <subnet/node/scenario>", "with --all: the runs of this scenario"))
    .option("--all", "all runs of the scenario that have not ended")
    .option("--dry-run", "only show the plan")
    .option("--yes", "do not ask")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  adaos scenario cancel --scenario alpha/kitchen/heating --all --dry-run",
    )
    .action((ids: readonly string[], options: CancelOptions) => cancel(ids, options, terminal));
}

async function cancel(ids: readonly string[], options: CancelOptions, terminal: Terminal): Promise<void> {
  const runs = await meantRuns(ids, options, terminal);
  const isPlain = ids.length > 0 && options.dryRun !== true;
  // Who names each run means it.
  if (!isPlain && !(await confirmed("cancel", "run", { count: runs.length }, options, terminal))) return;
  const requests = runs.map(cancelRequest);
  const act = scenarioAct("cancel", options.scenario ?? ids.join(", "), requests);
  const answered = await audited(options, terminal, act, (tally) =>
    askAll(requests, options, terminal, tally),
  );
  tellCounts(countsOf("cancelled", answered), options, terminal);
}

async function meantRuns(
  ids: readonly string[],
  options: CancelOptions,
  terminal: Terminal,
): Promise<NamedRun[]> {
  const { scenario, all } = options;
  const isBulk = scenario !== undefined && all === true;
  if (ids.length > 0 === (isBulk || scenario !== undefined || all === true))
    throw new MeshError(
      "usage",
      "say what to cancel: ids of runs, or --scenario subnet/node/scenario with --all",
    );
  if (ids.length === 0 && !isBulk)
    throw new MeshError("usage", "--scenario and --all go together: all runs of one scenario");
  for (const id of ids) assertRunId(id);
  const found: NamedRun[] = [];
  if (scenario !== undefined)
    await withHubsOf([scenario], options, terminal, async (hub, filters) => {
      for (const filter of filters) for await (const run of unendedRuns(hub, filter)) found.push(run);
    });
  else
    await withHubs({ state: options.state }, terminal, async (hub) => {
      for await (const run of unendedRuns(hub, {})) if (ids.includes(run.id)) found.push(run);
    });
  const missing = ids.find((id) => !found.some((run) => run.id === id));
  if (missing === undefined) return found;
  throw new MeshError(
    "usage",
    `no run ${missing} is under way, so nothing was cancelled; adaos scenario show tells how it ended`,
  );
}
