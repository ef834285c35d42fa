import { MeshError } from "@adaos/core";
import type { Run, Skip, SkipCause } from "@adaos/skills";
import type { OpenServer } from "../hubs.ts";
import type { EventMask } from "../mask/event-mask.ts";
import type { ScenarioPast } from "./compare-runs.ts";
import { isFailed } from "./plan-retry.ts";
import { type RunReport, reportRun, reportSkip, type SkipReport } from "./run-report.ts";
import {
  activeRuns,
  endedRuns,
  type ScenarioFilter,
  type ScenarioName,
  type StoredScenarioState,
  scenarioStates,
  skippedRuns,
} from "./stored-runs.ts";

/** What its member has stored of a scenario. Rejects with `usage` where no member has run it. */
export async function stateOf(hub: OpenServer, name: ScenarioName): Promise<StoredScenarioState> {
  for await (const stored of scenarioStates(hub, name)) return stored;
  throw new MeshError(
    "usage",
    `${name.subnet}/${name.node} has run no scenario ${name.scenario}; name it in the mesh file under the member's scenarios, and run adaos policy apply`,
  );
}

/** Which runs: all, those under way, or those that failed. */
export type RunKind = "all" | "active" | "failed";

/** Runs in one line each, those under way first. */
export async function* runReports(
  hub: OpenServer,
  filter: ScenarioFilter,
  kind: RunKind,
  mask: EventMask,
): AsyncGenerator<RunReport> {
  const nowMs = Date.now();
  const seen = new Set<string>();
  for await (const { name, value } of activeRuns(hub, filter)) {
    const isWanted = kind === "failed" ? isFailed(value) : kind === "all" || value.outcome === undefined;
    if (!isWanted) continue;
    seen.add(value.id);
    yield reportRun(name, value, mask, nowMs);
  }
  if (kind === "active") return;
  const ended = kind === "failed" ? { isFailed: true } : {};
  for await (const { name, value } of endedRuns(hub, { ...filter, ...ended }))
    if (!seen.has(value.id) && (kind === "all" || isFailed(value))) yield reportRun(name, value, mask, nowMs);
}

/** How much did not run, by cause. */
export type SkipCounts = Partial<Record<SkipCause, number>>;

/** The sum of counts by cause. Pure. */
export function addedSkips(sum: SkipCounts, some: SkipCounts): SkipCounts {
  const added: SkipCounts = { ...sum };
  for (const [cause, count] of Object.entries(some) as [SkipCause, number][])
    added[cause] = (added[cause] ?? 0) + count;
  return added;
}

/** All that a hub keeps of one scenario: at most 100 records of each kind. */
export interface KnownPast {
  readonly runs: readonly RunReport[];
  readonly skips: readonly SkipReport[];
  readonly skipCounts: SkipCounts;
  /** The scenario's text with the hash that is asked for, as a run of it has it. */
  readonly textThen: string | undefined;
}

/** Reads the past of one scenario, as it may be shown. */
export async function knownPast(
  hub: OpenServer,
  name: ScenarioName,
  mask: EventMask,
  hash: string,
): Promise<KnownPast> {
  const nowMs = Date.now();
  const runs = new Map<string, RunReport>();
  let textThen: string | undefined;
  for (const source of [activeRuns(hub, name), endedRuns(hub, name)])
    for await (const { value } of source) {
      if (!runs.has(value.id)) runs.set(value.id, reportRun(name, value, mask, nowMs));
      if (value.hash === hash) textThen = value.text;
    }
  const skips: SkipReport[] = [];
  let skipCounts: SkipCounts = {};
  for await (const { value } of skippedRuns(hub, name)) {
    skips.push(...value.newest.map((skip) => reportSkip(name, skip, mask)));
    skipCounts = addedSkips(skipCounts, value.counts);
  }
  return { runs: [...runs.values()], skips, skipCounts, textThen };
}

/** Every run of a scenario that its hub knows. */
export async function storedRuns(hub: OpenServer, name: ScenarioName): Promise<Run[]> {
  const runs = new Map<string, Run>();
  for (const source of [activeRuns(hub, name), endedRuns(hub, name)])
    for await (const { value } of source) runs.set(value.id, value);
  return [...runs.values()];
}

/** What is compared of a scenario with that of another. Rejects with `usage` where no member has run it. */
export async function comparablePast(
  hub: OpenServer,
  name: ScenarioName,
  sinceMs: number,
): Promise<ScenarioPast> {
  await stateOf(hub, name);
  const runs = await storedRuns(hub, name);
  const skips: Skip[] = [];
  for await (const { value } of skippedRuns(hub, name)) skips.push(...value.newest);
  return { runs: runs.filter(({ trigger }) => trigger.nominalMs >= sinceMs), skips };
}
