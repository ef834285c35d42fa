import { wakeOfTriggers } from "@adaos/skills";
import type { OpenServer } from "../hubs.ts";
import { lastRun } from "./find-runs.ts";
import { timeText } from "./run-report.ts";
import {
  formatScenarioName,
  type ScenarioFilter,
  type StoredScenarioState,
  scenarioStates,
} from "./stored-runs.ts";

/** A scenario in one line of a list. */
export interface ListedScenario {
  readonly scenario: string;
  readonly state: "active" | "paused";
  readonly active: number;
  readonly waiting: number;
  /** Requests of operators that the member's daemon has not taken. */
  readonly asked: number;
  readonly hash: string;
  readonly next_at?: string;
  readonly last?: { readonly run: string; readonly outcome: string; readonly ended_at: string };
}

/** The scenarios that members of a subnet have run at some time. */
export async function* listedScenarios(
  hub: OpenServer,
  filter: ScenarioFilter,
): AsyncGenerator<ListedScenario> {
  for await (const stored of scenarioStates(hub, filter)) yield await listedScenario(hub, stored);
}

/** One scenario, with its last run. */
export async function listedScenario(
  hub: OpenServer,
  { name, triggers, asked, hash }: StoredScenarioState,
): Promise<ListedScenario> {
  const last = await lastRun(hub, name);
  const nextMs = triggers.isPaused ? undefined : wakeOfTriggers(triggers);
  return {
    scenario: formatScenarioName(name),
    state: triggers.isPaused ? "paused" : "active",
    active: triggers.active.length,
    waiting: triggers.waiting.length,
    asked: asked.length,
    hash,
    ...(nextMs === undefined ? {} : { next_at: timeText(nextMs) }),
    ...(last === undefined
      ? {}
      : {
          last: {
            run: last.id,
            outcome: last.outcome ?? "",
            ended_at: timeText(last.endedMs ?? last.startedMs),
          },
        }),
  };
}
