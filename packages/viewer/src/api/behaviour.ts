import type { TimerInfo } from "@adaos/core";
import type {
  AwayServer,
  ComparedRuns,
  ListedScenario,
  RunReport,
  RunTimeline,
  ScenarioStand,
  SkipCounts,
  SkipReport,
  WholeRunReport,
} from "@adaos/operations";
import type { SkillLogLine } from "@adaos/skills";
import type { NodeSkills } from "@adaos/supervise";

/** A timer, and in words when it fires. */
export interface TimerRow extends TimerInfo {
  readonly fires: string;
}

/** `GET /api/timers` */
export interface TimerList {
  readonly timers: readonly TimerRow[];
  /** There are more than these. */
  readonly is_cut: boolean;
  readonly away: readonly AwayServer[];
}

/** `GET /api/timers/:subnet/:node/:timer` */
export interface TimerDetail {
  readonly timer: TimerRow;
  /** Its next times, without its jitter. */
  readonly coming: readonly string[];
}

/** `GET /api/skills` */
export interface SkillList {
  readonly members: readonly NodeSkills[];
}

/** A line of a skill's log. `cut`: a full disk has left a part of it alone. */
export type SkillLogRow = SkillLogLine | { readonly cut: string };

/** `GET /api/skills/:subnet/:node/:skill/log` */
export interface SkillLogAnswer {
  /** Oldest first. */
  readonly lines: readonly SkillLogRow[];
  /** Older lines are left out. */
  readonly is_cut: boolean;
}

/** A scenario of the list; `broken`: its file has errors; `not-run`: no hub knows anything of it. */
export interface ScenarioRow extends Omit<ListedScenario, "state" | "hash"> {
  readonly state: ListedScenario["state"] | "broken" | "not-run";
  /** It may be so beside a broken file. */
  readonly is_paused: boolean;
  readonly hash?: string;
  /** From its file, where that is on this machine. */
  readonly file?: { readonly mode: string; readonly shadow: boolean; readonly description?: string };
  /** Why its file is not taken: `scenarios/heating/scenario.yaml:3:5 …` */
  readonly errors: readonly string[];
  /** Why it does not go on, or does not get its events. */
  readonly trouble?: string;
}

/** `GET /api/scenarios` */
export interface ScenarioList {
  readonly scenarios: readonly ScenarioRow[];
  readonly is_cut: boolean;
  /** What is wrong at members beside their scenarios. */
  readonly problems: readonly { readonly member: string; readonly problem: string }[];
  readonly away: readonly AwayServer[];
}

/** `GET /api/scenarios/:subnet/:node/:scenario` */
export interface ScenarioDetail {
  readonly row: ScenarioRow;
  /** Undefined where it has never run. */
  readonly stand?: ScenarioStand;
  /** What starts it, in words. */
  readonly starts: readonly string[];
  /** Newest first. */
  readonly runs: readonly RunReport[];
  /** Newest first. */
  readonly skips: readonly SkipReport[];
  readonly skip_counts: SkipCounts;
  /** As it is in force. */
  readonly text?: string;
}

/** `GET /api/runs/:id` */
export interface RunDetail {
  readonly run: WholeRunReport;
  readonly timeline?: RunTimeline;
  /** Why there is no time line. */
  readonly problem?: string;
  /** Of the scenario, as it was when the run began. */
  readonly text: string;
}

/** `GET /api/compared-scenarios` */
export interface ComparedScenarios {
  /** Newest first. */
  readonly pairs: readonly ComparedRuns[];
  readonly is_cut: boolean;
}

/** The answer to a change, or to its dry run. */
export interface Changed {
  /** How many it was done to, or would be. */
  readonly count: number;
  /** Of them, what waits until a member's daemon takes it. */
  readonly kept?: number;
  /** Failed runs that need no other try. */
  readonly settled?: number;
  /** The event that a timer has published, or the run that begins. */
  readonly event_id?: string;
  readonly run_id?: string;
}
