import { MeshError } from "@adaos/core";
import { quote } from "@adaos/core/wire";
import { compileScenario, type Run } from "@adaos/skills";
import { triggerKey } from "./run-report.ts";

const STEP = /^effects\[(\d{1,6})\]$/;
const OUTERMOST = /^effects\[(\d+)\]/;

/**
 * The index of a step from which a run may be tried again. Throws `usage` with the reason where it may not. Pure.
 * @param hashNow Of the scenario's text as its member has it now.
 */
export function retryStep(run: Run, from: string, hashNow: string): number {
  const given = STEP.exec(from)?.[1];
  if (given === undefined)
    throw new MeshError(
      "usage",
      `--from ${quote(from)} is no step of the outermost sequence; write effects[2], as adaos scenario show prints it`,
    );
  if (run.hash !== hashNow)
    throw new MeshError(
      "usage",
      `${run.scenario} has changed since ${run.id} (${run.hash} then, ${hashNow} now), so its steps may be others; retry without --from`,
    );
  const at = Number(given);
  const last = Math.min(compileScenario(run.scenario, run.text).effects.length - 1, reached(run));
  if (at <= last) return at;
  throw new MeshError("usage", `${run.id} did not get to ${from}; its last step is effects[${last}]`);
}

/** The furthest step that has begun: the one after the last that the log has, since a failure may leave no line. */
function reached({ log }: Run): number {
  const ended = log.map(({ step }) => Number(OUTERMOST.exec(step)?.[1] ?? -1));
  return Math.max(-1, ...ended) + 1;
}

export interface RetryPlan {
  readonly runs: readonly Run[];
  /** Failed ones whose trigger has had a later run. */
  readonly settled: number;
}

/**
 * The failed runs of a scenario that are worth another try: the newest of each trigger, unless a later run of the same
 * trigger goes on or ended well. Pure.
 * @param all The scenario's runs, failed ones among them.
 */
export function planRetries(all: readonly Run[], sinceMs: number): RetryPlan {
  const newest = new Map<string, Run>();
  for (const run of all.toSorted((a, b) => a.startedMs - b.startedMs))
    newest.set(triggerKey(run.trigger), run);
  const failed = all.filter(isFailed).filter(({ startedMs }) => startedMs >= sinceMs);
  const runs = failed.filter((run) => newest.get(triggerKey(run.trigger)) === run);
  return { runs: runs.toSorted((a, b) => a.startedMs - b.startedMs), settled: failed.length - runs.length };
}

/** Whether a run has failed; one that was cancelled has not. Pure. */
export function isFailed({ outcome }: Run): boolean {
  return outcome === "failed" || outcome === "loop";
}
