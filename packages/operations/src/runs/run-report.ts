import { type Envelope, formatEventRef } from "@adaos/core";
import {
  type ConditionRecord,
  patternsReadBy,
  type Run,
  type RunLogEntry,
  type RunTrigger,
  type Skip,
  wakeOfRun,
} from "@adaos/skills";
import type { EventMask } from "../mask/event-mask.ts";
import { formatScenarioName, type ScenarioName } from "./stored-runs.ts";

/** What a run, or something that did not run, began with. Times are RFC 3339. */
export interface TriggerReport {
  readonly kind: RunTrigger["kind"];
  readonly id?: string;
  /** When it should be: the event's time, or the timer's. */
  readonly at: string;
  readonly event?: string;
  readonly event_id?: string;
}

/** One step of a run that has ended, or a choice that was made. */
export interface StepReport {
  readonly step: string;
  readonly verb: string;
  readonly at: string;
  readonly ms?: number;
  readonly outcome: RunLogEntry["outcome"];
  readonly event?: string;
  readonly event_id?: string;
  readonly branch?: number;
  readonly error?: string;
  readonly conditions?: readonly ConditionRecord[];
}

/** A run as it may be shown. */
export interface RunReport {
  readonly id: string;
  readonly scenario: string;
  readonly hash: string;
  readonly key: string;
  readonly shadow: boolean;
  readonly trigger: TriggerReport;
  readonly started_at: string;
  readonly ended_at?: string;
  /** So far, while it goes on. */
  readonly duration_ms: number;
  readonly outcome: NonNullable<Run["outcome"]> | "active";
  readonly reason?: string;
  /** Where it is, while it goes on. */
  readonly now?: { readonly step: string; readonly doing: string; readonly until?: string };
}

/** A run with all that is known of it, its scenario's text apart. */
export interface WholeRunReport extends RunReport {
  readonly event?: Envelope;
  readonly conditions: readonly ConditionRecord[];
  readonly steps: readonly StepReport[];
  /** Steps that its log had no room for. */
  readonly unlogged: number;
}

/** A trigger that has started nothing, as it may be shown. */
export interface SkipReport {
  readonly scenario: string;
  readonly at: string;
  readonly cause: Skip["cause"];
  readonly reason: string;
  readonly key: string;
  readonly trigger: TriggerReport;
  readonly conditions: readonly ConditionRecord[];
}

/** What stands for a text that may hold classified values. */
const MASKED = "[masked]";

/** A run in one line of a list. Pure. */
export function reportRun(name: ScenarioName, run: Run, mask: EventMask, nowMs: number): RunReport {
  const isHidden = readsClassified(run, mask);
  const { id, hash, key, isShadow, trigger, startedMs, endedMs, outcome, reason } = run;
  return {
    id,
    scenario: formatScenarioName(name),
    hash,
    key: isHidden && key !== "" ? MASKED : key,
    shadow: isShadow,
    trigger: triggerOf(trigger),
    started_at: timeText(startedMs),
    ...(endedMs === undefined ? {} : { ended_at: timeText(endedMs) }),
    duration_ms: Math.max(0, (endedMs ?? nowMs) - startedMs),
    outcome: outcome ?? "active",
    ...(reason === undefined ? {} : { reason: isHidden ? reasonShown(outcome, reason) : reason }),
    ...nowOf(run),
  };
}

/** A run with its event, conditions and steps. Pure. */
export function reportWholeRun(name: ScenarioName, run: Run, mask: EventMask, nowMs: number): WholeRunReport {
  const isHidden = readsClassified(run, mask);
  const { trigger, conditions, log, unlogged } = run;
  return {
    ...reportRun(name, run, mask, nowMs),
    ...(trigger.event === undefined ? {} : { event: maskedEvent(trigger, trigger.event, mask) }),
    conditions: conditions.map((one) => conditionShown(one, isHidden)),
    steps: log.map((entry) => stepOf(entry, isHidden)),
    unlogged,
  };
}

/** Pure. */
export function reportSkip(name: ScenarioName, skip: Skip, mask: EventMask): SkipReport {
  const { atMs, cause, reason, key, trigger, conditions } = skip;
  const isHidden = isTriggerClassified(trigger, mask);
  return {
    scenario: formatScenarioName(name),
    at: timeText(atMs),
    cause,
    reason,
    key: isHidden && key !== "" ? MASKED : key,
    trigger: triggerOf(trigger),
    conditions: conditions.map((one) => conditionShown(one, isHidden)),
  };
}

/** One event, or one time: runs and skips of the same trigger have the same text, in whichever scenario. Pure. */
export function triggerKey({ kind, event, nominalMs }: RunTrigger): string {
  return event?.event_id ?? `${kind} ${timeText(nominalMs)}`;
}

export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** Whether values of classified events may stand in a run's conditions, key or reason. */
function readsClassified(run: Run, mask: EventMask): boolean {
  if (isTriggerClassified(run.trigger, mask)) return true;
  try {
    return mask.isAnyClassified(patternsReadBy(run));
  } catch {
    // Another version of this program wrote it: which events it reads is not known.
    return true;
  }
}

function isTriggerClassified({ event }: RunTrigger, mask: EventMask): boolean {
  return event !== undefined && mask.isClassified(event.event_name, event.version);
}

function triggerOf({ kind, id, nominalMs, event }: RunTrigger): TriggerReport {
  return {
    kind,
    ...(id === undefined ? {} : { id }),
    at: timeText(nominalMs),
    ...(event === undefined
      ? {}
      : { event: formatEventRef(event.event_name, event.version), event_id: event.event_id }),
  };
}

/** The event of a command to run has the arguments alone as its data: its schema speaks of `args`. */
function maskedEvent({ kind }: RunTrigger, event: Envelope, mask: EventMask): Envelope {
  if (kind !== "run") return mask.envelope(event);
  const { data } = mask.envelope({ ...event, data: { name: "scenario", args: event.data } });
  const args = typeof data === "object" && data !== null && "args" in data ? data.args : data;
  return { ...event, data: args };
}

function conditionShown({ text, value, values, error }: ConditionRecord, isHidden: boolean): ConditionRecord {
  return {
    text,
    ...(value === undefined ? {} : { value }),
    values: isHidden ? {} : values,
    ...(error === undefined ? {} : { error }),
  };
}

function stepOf(entry: RunLogEntry, isHidden: boolean): StepReport {
  const { step, verb, atMs, ms, outcome, event, eventId, branch, error, conditions } = entry;
  return {
    step,
    verb,
    at: timeText(atMs),
    ...(ms === undefined ? {} : { ms }),
    outcome,
    ...(event === undefined ? {} : { event }),
    ...(eventId === undefined ? {} : { event_id: eventId }),
    ...(branch === undefined ? {} : { branch }),
    ...(error === undefined ? {} : { error: isHidden ? errorShown(error) : error }),
    ...(conditions === undefined
      ? {}
      : { conditions: conditions.map((one) => conditionShown(one, isHidden)) }),
  };
}

/** What begins with a step is an error of ours; any other failure's text, and that of a stop, is the scenario's own. */
const OF_A_STEP = /^(effects|onError)\[/;

function reasonShown(outcome: Run["outcome"], reason: string): string {
  if (outcome === "stopped" || (outcome === "failed" && !OF_A_STEP.test(reason))) return MASKED;
  return errorShown(reason);
}

/** The one error of ours that quotes a value. */
function errorShown(error: string): string {
  return error.replace(/\bdelay is .*; it must/s, `delay is ${MASKED}; it must`);
}

/** Where a run is in its outermost sequence. */
function nowOf(run: Run): Pick<RunReport, "now"> {
  const { cursor, failing } = run;
  if (cursor === undefined) return {};
  const dueMs = wakeOfRun(run);
  return {
    now: {
      step: `${failing === undefined ? "effects" : "onError"}[${cursor.at}]`,
      doing: cursor.inner?.kind ?? "effect",
      ...(dueMs === undefined ? {} : { until: timeText(dueMs) }),
    },
  };
}
