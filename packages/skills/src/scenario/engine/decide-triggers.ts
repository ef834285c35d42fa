import { type Envelope, patternMatches } from "@adaos/core";
import { afterStep, decideFires, newTimerState, parseNodeAddress } from "@adaos/core/wire";
import { ExpressionError } from "../cel/expression-error.ts";
import { admit, admitByMode, consider, leaveOut, release } from "./admit.ts";
import type { Scenario } from "./compile.ts";
import { runIdOf } from "./ids.ts";
import { keyOf, recordOf, scopeOf, timeOf } from "./scope.ts";
import type { ConditionRecord, Hold, RunTrigger, Skip, Start, TriggerState } from "./state.ts";
import { type Cancel, type Candidate, type Deciding, kept, markSeen, skip } from "./trigger-draft.ts";

export type TriggerInput =
  /** An event that the member has received. */
  | { readonly kind: "event"; readonly event: Envelope }
  /** `scenario.run@1`, or an operator: `event.data` of its expressions is `data`. */
  | { readonly kind: "run"; readonly event: Envelope; readonly data: unknown }
  /** It is later now. */
  | { readonly kind: "clock" }
  | { readonly kind: "ended"; readonly runId: string }
  /** An operator wants a run tried again, whatever its conditions say now. */
  | { readonly kind: "retry"; readonly start: Start }
  /** A start that waits for its turn, or for the end of `debounce`, is left out. */
  | { readonly kind: "cancel"; readonly runId: string; readonly reason: string }
  | { readonly kind: "pause" | "resume" }
  /** Nothing has come: when is the next wake? */
  | { readonly kind: "look" };

export interface TriggerDecision {
  /** The same object where nothing has changed. */
  readonly state: TriggerState;
  /** To be cancelled before the starts. */
  readonly cancels: readonly Cancel[];
  readonly starts: readonly Start[];
  readonly skips: readonly Skip[];
  /** When a `clock` is due at the latest. */
  readonly wakeAtMs: number | undefined;
}

/** Decides which runs an input starts and ends, and why others do not start. Pure. */
export function decideTriggers(
  scenario: Scenario,
  state: TriggerState,
  input: TriggerInput,
  nowMs: number,
  isFull = false,
): TriggerDecision {
  const deciding: Deciding = {
    scenario,
    nowMs,
    isFull,
    draft: { ...state },
    starts: [],
    cancels: [],
    skips: [],
  };
  const { draft, starts, cancels, skips } = deciding;
  keepTimers(deciding);
  switch (input.kind) {
    case "event":
      if (!draft.seen.includes(input.event.event_id)) onEvent(deciding, input.event);
      break;
    case "run":
      if (!draft.seen.includes(input.event.event_id)) onRun(deciding, input.event, input.data);
      break;
    case "retry":
      admitByMode(deciding, input.start);
      break;
    case "ended":
      release(deciding, input.runId);
      break;
    case "clock":
      onClock(deciding);
      break;
    case "cancel":
      leaveOut(deciding, input.runId, input.reason);
      break;
    case "look":
      break;
    default:
      if (draft.isPaused !== (input.kind === "pause")) draft.isPaused = input.kind === "pause";
  }
  const isSame = (Object.keys(draft) as (keyof TriggerState)[]).every((key) => draft[key] === state[key]);
  return { state: isSame ? state : draft, starts, cancels, skips, wakeAtMs: wakeOfTriggers(draft) };
}

function onEvent(deciding: Deciding, event: Envelope): void {
  const { scenario, draft, nowMs } = deciding;
  let first: Candidate | undefined;
  const before = draft.holds;
  for (const [index, program] of scenario.triggers.entries()) {
    if (program.kind !== "event") continue;
    const { endedBy, pattern, when, forMs, id } = program;
    const isHit = patternMatches(pattern, event.event_name, event.version);
    const isEnd = endedBy !== undefined && patternMatches(endedBy.pattern, event.event_name, event.version);
    if (!isHit && !isEnd) continue;
    const nominalMs = timeOf(event, nowMs);
    const kind = forMs === undefined ? "event" : "hold";
    const trigger: RunTrigger = { kind, index, nominalMs, event, ...(id === undefined ? {} : { id }) };
    const candidate = candidateOf(deciding, trigger);
    if (candidate === undefined) continue;
    const scope = scopeOf(scenario.name, trigger, nowMs, candidate.key);
    if (isEnd && (endedBy.when === undefined || recordOf(endedBy.when, scope).value === true))
      draft.holds = draft.holds.filter((one) => !isHoldOf(one, index, candidate.key));
    if (!isHit) continue;
    const judged = when === undefined ? undefined : recordOf(when, scope);
    const conditions: readonly ConditionRecord[] = judged === undefined ? [] : [judged];
    const isTrue = judged === undefined || judged.value === true;
    if (!isTrue) {
      const { error, text } = judged;
      skip(
        deciding,
        { ...candidate, conditions },
        error === undefined ? "condition" : "error",
        error ?? `${text} is false`,
      );
    }
    if (forMs !== undefined) hold(deciding, { ...candidate, conditions }, isTrue, forMs);
    else if (isTrue && first === undefined) first = { ...candidate, conditions };
  }
  if (first !== undefined) {
    if (draft.isPaused) skip(deciding, first, "paused", "the scenario is paused");
    else consider(deciding, first, idOf(deciding, first.trigger));
  }
  if (first !== undefined || draft.holds !== before) markSeen(deciding, event.event_id);
}

function candidateOf(deciding: Deciding, trigger: RunTrigger): Candidate | undefined {
  const { scenario, nowMs } = deciding;
  try {
    const key = keyOf(scenario.key, scopeOf(scenario.name, trigger, nowMs));
    return { trigger, key, conditions: [] };
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    skip(deciding, { trigger, key: "", conditions: [] }, "error", `key: ${thrown.message}`);
    return undefined;
  }
}

function idOf({ draft, scenario }: Deciding, { kind, index, nominalMs, event }: RunTrigger): string {
  // One event starts one run at most, whichever of the triggers it meets.
  const by = kind === "event" || kind === "run" ? "" : `${kind} ${index} `;
  return runIdOf(draft.owner, scenario.name, `${by}${event?.event_id ?? ""}`, nominalMs);
}

function isHoldOf(one: Hold, index: number, key: string): boolean {
  return one.index === index && one.key === key;
}

/** A state with `for`: begins to hold, goes on, or has ended. */
function hold(deciding: Deciding, candidate: Candidate, isTrue: boolean, forMs: number): void {
  const { draft, nowMs } = deciding;
  const { key, trigger } = candidate;
  const index = trigger.index;
  const before = draft.holds.find((one) => isHoldOf(one, index, key));
  if (!isTrue) {
    if (before !== undefined) draft.holds = draft.holds.filter((one) => one !== before);
    return;
  }
  if (before !== undefined) return;
  const dueMs = nowMs + forMs;
  const held = { ...candidate, trigger: { ...trigger, nominalMs: dueMs } };
  const due = kept(deciding, { ...held, runId: idOf(deciding, held.trigger), depth: 0, ring: [] });
  if (due !== undefined) draft.holds = [...draft.holds, { index, key, due: { ...due, dueMs } }];
}

function onRun(deciding: Deciding, event: Envelope, data: unknown): void {
  const trigger: RunTrigger = {
    kind: "run",
    index: -1,
    nominalMs: timeOf(event, deciding.nowMs),
    event: { ...event, data },
  };
  const candidate = candidateOf(deciding, trigger);
  markSeen(deciding, event.event_id);
  if (candidate !== undefined) consider(deciding, candidate, idOf(deciding, trigger));
}

function onClock(deciding: Deciding): void {
  const { draft, nowMs } = deciding;
  for (const one of draft.holds) {
    const { due } = one;
    if (due === undefined || due.dueMs > nowMs) continue;
    draft.holds = draft.holds.map((other) => (other === one ? { index: one.index, key: one.key } : other));
    if (draft.isPaused) skip(deciding, due, "paused", "the scenario is paused");
    else consider(deciding, { trigger: due.trigger, key: due.key, conditions: due.conditions }, due.runId);
  }
  fireTimers(deciding);
  for (const due of draft.debounced) {
    if (due.dueMs > nowMs) continue;
    draft.debounced = draft.debounced.filter((one) => one !== due);
    const { dueMs: _, bytes: __, ...start } = due;
    if (draft.isPaused) skip(deciding, due, "paused", "the scenario is paused");
    else admit(deciding, start);
  }
}

/** The timers of the scenario as it is now; those that have not changed go on. */
function keepTimers({ scenario, draft, nowMs }: Deciding): void {
  const programs = scenario.triggers.filter((one) => one.kind === "timer");
  const isSame =
    programs.length === draft.timers.length && programs.every(({ text }, i) => draft.timers[i]?.of === text);
  if (isSame) return;
  draft.timers = programs.map(({ text, definition }) => {
    const before = draft.timers.find(({ of }) => of === text);
    if (before !== undefined) return before;
    const state = newTimerState(nowMs);
    const timer = { ...definition, owner: parseNodeAddress(draft.owner), sinceMs: nowMs, isDeclared: true };
    const { wakeAtMs } = decideFires(timer, state, nowMs, false);
    return { of: text, sinceMs: nowMs, state, ...(wakeAtMs === undefined ? {} : { nextMs: wakeAtMs }) };
  });
}

function fireTimers(deciding: Deciding): void {
  const { scenario, draft, nowMs } = deciding;
  for (const [index, program] of scenario.triggers.entries()) {
    if (program.kind !== "timer") continue;
    const entry = draft.timers.find(({ of }) => of === program.text);
    if (entry?.nextMs === undefined || entry.nextMs > nowMs) continue;
    const owner = parseNodeAddress(draft.owner);
    const timer = { ...program.definition, owner, sinceMs: entry.sinceMs, isDeclared: true };
    const { steps, wakeAtMs } = decideFires(timer, entry.state, nowMs, false);
    let state = entry.state;
    for (const step of steps) {
      state = afterStep(state, step);
      const nominalMs = step.kind === "fire" ? step.nominalMs : step.decidedMs;
      const id = program.id === undefined ? {} : { id: program.id };
      const candidate = candidateOf(deciding, { kind: "timer", index, nominalMs, ...id });
      if (candidate === undefined) continue;
      if (step.kind !== "fire") skip(deciding, candidate, "missed", "nobody was there at its time");
      else if (draft.isPaused) skip(deciding, candidate, "paused", "the scenario is paused");
      else consider(deciding, candidate, idOf(deciding, candidate.trigger));
    }
    const { nextMs: _, ...rest } = entry;
    const now = { ...rest, state, ...(wakeAtMs === undefined ? {} : { nextMs: wakeAtMs }) };
    draft.timers = draft.timers.map((one) => (one === entry ? now : one));
  }
}

/** When triggers are to be looked at again: a timer, the end of `for`, of `debounce`. Pure. */
export function wakeOfTriggers({ timers, holds, debounced }: TriggerState): number | undefined {
  const times = [
    ...timers.map(({ nextMs }) => nextMs),
    ...holds.map(({ due }) => due?.dueMs),
    ...debounced.map(({ dueMs }) => dueMs),
  ].filter((ms) => ms !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}
