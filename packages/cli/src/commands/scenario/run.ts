import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { delay, firstLine, visibleJson } from "@adaos/core/wire";
import {
  EventMask,
  endedRuns,
  findActiveRun,
  formatScenarioName,
  hubServers,
  type OpenServer,
  parseScenarioName,
  type RunReport,
  reportRun,
  reportSkip,
  type ScenarioName,
  type SkipReport,
  scenarioAct,
  scenarioStates,
  skippedRuns,
  tenantOf,
  withServers,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { askRun } from "@adaos/skills";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseData } from "../../options/parse-data.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { spanText } from "./runs/print-run.ts";
import { askAll } from "./runs/scenario-hubs.ts";

interface RunOptions extends StateOptions {
  readonly data?: string;
  readonly wait?: boolean;
}

const LOOK_MS = 300;
/** Records are stored within a second or two of what they tell. */
const RECORD_MS = 10_000;
/** Clocks differ: a record may be stored before the time at which this command began. */
const SKEW_MS = 60_000;
/** Of `scenario.run@1`. */
const MAX_ARGS = 64;
const MAX_REASON = 500;

export function scenarioRunCommand(terminal: Terminal): Command {
  return new Command("run")
    .description("start a run of a scenario, as scenario.run@1 would; prints the id of its event")
    .argument("<subnet/node/scenario>", "which; adaos scenario list names them")
    .option("--data <json>", "what its expressions see as event.data: JSON, @FILE, or -")
    .option(
      "--wait",
      "follow it until it has ended, and print its outcome; exit code 76 unless it ended well",
    )
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nConditions, cooldown and mode decide about it as about any other; a pause does not.",
    )
    .addHelpText(
      "after",
      `\nExample:\n  adaos scenario run alpha/kitchen/heating --data '{"room":"attic"}' --wait`,
    )
    .action((text: string, options: RunOptions) => run(text, options, terminal));
}

async function run(text: string, options: RunOptions, terminal: Terminal): Promise<void> {
  const name = parseScenarioName(text);
  const args = options.data === undefined ? undefined : argsOf(parseData(options.data));
  const layout = readLayout(resolveStateDir(options.state));
  const beganMs = Date.now();
  const { asked, runId } = askRun(
    { owner: `${name.subnet}/${name.node}`, tenant: tenantOf(layout, name.subnet), scenario: name.scenario },
    args,
    beganMs,
  );
  const requests = [{ name, asked }];
  const { kept } = await audited(options, terminal, scenarioAct("run", text, requests), (tally) =>
    askAll(requests, options, terminal, tally),
  );
  const eventId = asked.event.event_id;
  const told = { event_id: eventId, run_id: runId, asked: kept === 0 ? "done" : "kept" };
  terminal.out(options.json === true ? visibleJson(told) : eventId);
  if (options.wait !== true) return;
  const mask = await EventMask.open(options.state, terminal.say);
  await withServers(hubServers(layout, name.subnet), async (hub) => {
    const end = await endOf(hub, name, { runId, eventId, sinceMs: beganMs - SKEW_MS }, mask);
    tell(end, options, terminal);
  });
}

/** The arguments of `scenario.run@1`. Throws `usage`. */
function argsOf(data: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
  if (isObject && Object.keys(data).length <= MAX_ARGS) return data as Readonly<Record<string, unknown>>;
  throw new MeshError("usage", `--data must be an object of at most ${MAX_ARGS} fields: {"room":"attic"}`);
}

/** Waits until a run has ended, or it is known that it does not begin. */
async function endOf(
  hub: OpenServer,
  name: ScenarioName,
  { runId, eventId, sinceMs }: { readonly runId: string; readonly eventId: string; readonly sinceMs: number },
  mask: EventMask,
): Promise<RunReport | SkipReport> {
  const filter = { node: name.node, scenario: name.scenario, storedSinceMs: sinceMs };
  for (let goneSinceMs = Number.POSITIVE_INFINITY; ; ) {
    const active = await findActiveRun(hub, runId);
    if (active?.value.outcome !== undefined) return reportRun(name, active.value, mask, Date.now());
    if (active === undefined) {
      for await (const { value } of endedRuns(hub, filter))
        if (value.id === runId) return reportRun(name, value, mask, Date.now());
      for await (const { value } of skippedRuns(hub, filter))
        for (const skip of value.newest)
          if (skip.trigger.event?.event_id === eventId) return reportSkip(name, skip, mask);
    }
    const isPending = active !== undefined || (await isExpected(hub, name, runId, eventId));
    goneSinceMs = isPending ? Number.POSITIVE_INFINITY : Math.min(goneSinceMs, Date.now());
    if (Date.now() - goneSinceMs > RECORD_MS)
      throw new MeshError(
        "unavailable",
        `no record tells what became of ${runId}; adaos scenario why ${formatScenarioName(name)} tells how it stands`,
      );
    await delay(LOOK_MS);
  }
}

/** Whether the member's daemon has not taken the request, or the run goes on or waits for its turn. */
async function isExpected(
  hub: OpenServer,
  name: ScenarioName,
  runId: string,
  eventId: string,
): Promise<boolean> {
  for await (const { asked, triggers, unrecorded } of scenarioStates(hub, name)) {
    if (asked.some(({ id }) => id === eventId) || unrecorded.includes(runId)) return true;
    return [...triggers.active, ...triggers.waiting].some((one) => one.runId === runId);
  }
  return false;
}

function tell(end: RunReport | SkipReport, { json }: RunOptions, terminal: Terminal): void {
  const isWell = "outcome" in end && (end.outcome === "succeeded" || end.outcome === "stopped");
  if (!isWell) process.exitCode = EXIT_CODES.failed;
  if (json === true) return terminal.out(visibleJson(end));
  if (!("outcome" in end)) return terminal.out(`not run: ${end.cause}, ${firstLine(end.reason, MAX_REASON)}`);
  const { id, outcome, reason, duration_ms } = end;
  const why = reason === undefined ? "" : `: ${firstLine(reason, MAX_REASON)}`;
  terminal.out(`${id} ${outcome} after ${spanText(duration_ms)}${why}`);
}
