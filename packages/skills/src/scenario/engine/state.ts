import type { Envelope } from "@adaos/core";
import type { TimerState } from "@adaos/core/wire";
import type { Overflow, ScenarioMode } from "../file/definition.ts";

/** What has started a run. */
export interface RunTrigger {
  /** `hold`: a state has held; `run`: a command or an operator asked for it. */
  readonly kind: "event" | "timer" | "hold" | "run";
  /** Of the trigger in the file; -1 for `run`. */
  readonly index: number;
  readonly id?: string;
  /** When it should be: the event's time, the timer's nominal time, the end of `for`. */
  readonly nominalMs: number;
  /** Missing for a timer. */
  readonly event?: Envelope;
}

/** One condition as it was evaluated. */
export interface ConditionRecord {
  readonly text: string;
  /** Undefined where it has no value. */
  readonly value?: boolean;
  /** The fields that it read. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

/** A start that is decided, or waits for its time. */
export interface Start {
  readonly runId: string;
  readonly key: string;
  readonly trigger: RunTrigger;
  /** Scenarios that have caused each other, up to this one. */
  readonly depth: number;
  /** Their names, the oldest first. */
  readonly ring: readonly string[];
  readonly conditions: readonly ConditionRecord[];
  /** A run that is tried again goes on at this step, with the results of those before it. */
  readonly from?: { readonly at: number; readonly steps: Readonly<Record<string, StepResult>> };
}

/** Why a trigger has started nothing. */
export type SkipCause = (typeof SKIP_CAUSES)[number];

export const SKIP_CAUSES = [
  "condition",
  "error",
  "mode",
  "key-busy",
  "cooldown",
  "debounce",
  "overflow",
  "missed",
  "paused",
  "cancelled",
] as const;

/** What did not run. */
export interface Skip {
  readonly scenario: string;
  readonly hash: string;
  readonly atMs: number;
  readonly cause: SkipCause;
  /** For people: the busy run, the end of the cooldown, the error. */
  readonly reason: string;
  readonly trigger: RunTrigger;
  readonly key: string;
  readonly conditions: readonly ConditionRecord[];
}

export interface WaitingStart extends Start {
  /** Size of its trigger, since a state is bounded. */
  readonly bytes: number;
}

interface DueStart extends WaitingStart {
  readonly dueMs: number;
}

/** A state that holds, or has held and has started its run. */
export interface Hold {
  readonly index: number;
  readonly key: string;
  /** Missing once it has fired: it fires again after the state has ended. */
  readonly due?: DueStart;
}

/** A trigger's timer. */
interface TimerEntry {
  /** The schedule as JSON: a timer that has not changed goes on when the scenario changes. */
  readonly of: string;
  readonly sinceMs: number;
  readonly state: TimerState;
  readonly nextMs?: number;
}

/** What a scenario knows between two inputs, its runs apart. Plain JSON. */
export interface TriggerState {
  readonly v: 1;
  /** `alpha/kitchen`: the member that runs it. */
  readonly owner: string;
  readonly isPaused: boolean;
  /** Ids of events that have had a consequence, the newest last. */
  readonly seen: readonly string[];
  readonly active: readonly { readonly runId: string; readonly key: string }[];
  readonly waiting: readonly WaitingStart[];
  readonly debounced: readonly DueStart[];
  readonly holds: readonly Hold[];
  /** Until when a key is cooling down. */
  readonly cooling: readonly { readonly key: string; readonly untilMs: number }[];
  readonly timers: readonly TimerEntry[];
}

/** Something to do outside, named by its id: done twice, it is one event. */
export interface Effect {
  readonly kind: "publish" | "request";
  /** Id of the event: made from run, step and nominal time. */
  readonly id: string;
  readonly runId: string;
  readonly step: string;
  /** `ui.notify@1`, as in the file. */
  readonly event: string;
  readonly data: unknown;
  readonly nominalMs: number;
  readonly correlationId: string;
  readonly causationId?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a request. */
  readonly timeoutMs?: number;
}

/** Result of a request, an awaited event, or a parallel step; `steps.<name>` in expressions. */
export interface StepResult {
  /** False: no event came in time, or the request failed. */
  readonly ok: boolean;
  readonly data?: unknown;
  readonly error?: string;
}

/** How far a sequence of effects has come. */
export interface SequenceCursor {
  at: number;
  /** The time that names its next effects. */
  nominalMs: number;
  inner?: StepCursor;
}

export type StepCursor =
  | {
      readonly kind: "effect";
      readonly effect: Effect;
      readonly sinceMs: number;
      readonly dueMs?: number;
    }
  | { readonly kind: "delay"; readonly dueMs: number; readonly sinceMs: number }
  | { readonly kind: "wait"; readonly dueMs: number; readonly sinceMs: number }
  | { readonly kind: "branch"; readonly branch: number; readonly body: SequenceCursor }
  | { readonly kind: "parallel"; readonly bodies: SequenceCursor[] }
  | { readonly kind: "repeat"; index: number; body: SequenceCursor }
  | { readonly kind: "recover"; readonly body: SequenceCursor; readonly error: RunError };

export interface RunError {
  readonly step: string;
  readonly message: string;
}

export type RunOutcome = (typeof RUN_OUTCOMES)[number];

export const RUN_OUTCOMES = ["succeeded", "stopped", "failed", "cancelled", "loop"] as const;

/** One line of a run's record. */
export interface RunLogEntry {
  readonly step: string;
  readonly verb: string;
  readonly atMs: number;
  /** From its beginning to its end. */
  readonly ms?: number;
  readonly outcome: "done" | "failed" | "timeout" | "shadow" | "branch";
  readonly event?: string;
  readonly eventId?: string;
  /** Of what is published or requested, event and data: the same digest means the same data. */
  readonly digest?: string;
  /** Of `choose`: which branch; of `repeat`: which turn. */
  readonly branch?: number;
  readonly conditions?: readonly ConditionRecord[];
  readonly error?: string;
}

/** One run: its state while it goes on, its record afterwards. Plain JSON. */
export interface Run {
  readonly v: 1;
  readonly id: string;
  readonly scenario: string;
  /** Of {@link text}: a run ends as the scenario that it began as. */
  readonly hash: string;
  readonly text: string;
  readonly mode: ScenarioMode;
  readonly overflow: Overflow;
  readonly key: string;
  readonly trigger: RunTrigger;
  readonly depth: number;
  readonly ring: readonly string[];
  readonly conditions: readonly ConditionRecord[];
  readonly isShadow: boolean;
  readonly startedMs: number;
  readonly steps: Readonly<Record<string, StepResult>>;
  readonly log: readonly RunLogEntry[];
  readonly logBytes: number;
  /** Entries that the log had no room for. */
  readonly unlogged: number;
  /** Steps that have begun. */
  readonly begun: number;
  /** Ids of events that its waits have taken. */
  readonly taken: readonly string[];
  /** Missing once it has ended. */
  readonly cursor?: SequenceCursor;
  /** It has failed, and the effects of `onError` run. */
  readonly failing?: RunError;
  readonly outcome?: RunOutcome;
  readonly reason?: string;
  readonly endedMs?: number;
}

/** Everything about one scenario. Plain JSON. */
export interface ScenarioState {
  readonly triggers: TriggerState;
  readonly runs: Readonly<Record<string, Run>>;
}

/** The state of a scenario that has never run. @param owner `alpha/kitchen`: the member that runs it. */
export function newScenarioState(owner: string): ScenarioState {
  const triggers: TriggerState = {
    v: 1,
    owner,
    isPaused: false,
    seen: [],
    active: [],
    waiting: [],
    debounced: [],
    holds: [],
    cooling: [],
    timers: [],
  };
  return { triggers, runs: {} };
}
