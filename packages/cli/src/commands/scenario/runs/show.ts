import { visibleJson } from "@adaos/core/wire";
import {
  assertRunId,
  EventMask,
  findRun,
  noSuchRun,
  type OfScenario,
  reportWholeRun,
} from "@adaos/operations";
import type { Run } from "@adaos/skills";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import type { Terminal } from "../../../terminal/terminal.ts";
import { withHubs } from "../../events/failures/failure-options.ts";
import { runLines } from "./print-run.ts";

interface ShowOptions extends StateOptions {
  readonly text?: boolean;
}

export function scenarioShowCommand(terminal: Terminal): Command {
  return new Command("show")
    .description("one run: trigger, conditions with their values, each step, outcome")
    .argument("<run>", "id of a run; adaos scenario runs prints them")
    .option("--text", "also its scenario, as it was when the run began")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos scenario show RUN-20260105-093000-0123456789ab --text")
    .action(async (id: string, options: ShowOptions) => {
      assertRunId(id);
      const found = await findEverywhere(id, options, terminal);
      const mask = await EventMask.open(options.state, terminal.say);
      const report = reportWholeRun(found.name, found.value, mask, Date.now());
      const { text } = found.value;
      if (options.json === true)
        return terminal.out(visibleJson(options.text === true ? { ...report, text } : report));
      for (const line of runLines(report)) terminal.out(line);
      if (options.text === true) for (const line of ["", ...text.trimEnd().split("\n")]) terminal.out(line);
    });
}

/** A run, wherever it is. Rejects with `usage` where no hub has a record of it. */
export async function findEverywhere(
  id: string,
  { state }: StateOptions,
  terminal: Terminal,
): Promise<OfScenario<Run>> {
  const found: OfScenario<Run>[] = [];
  await withHubs({ state }, terminal, async (hub) => {
    const run = found.length === 0 ? await findRun(hub, id) : undefined;
    if (run !== undefined) found.push(run);
  });
  const [run] = found;
  if (run !== undefined) return run;
  throw noSuchRun(id);
}
