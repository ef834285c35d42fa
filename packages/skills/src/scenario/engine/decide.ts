import type { Envelope } from "@adaos/core";
import type { Scenario } from "./compile.ts";
import { decideRun, startRun, wakeOfRun } from "./decide-run.ts";
import { decideTriggers, type TriggerInput } from "./decide-triggers.ts";
import type { Effect, Run, ScenarioState, Skip, Start, TriggerState } from "./state.ts";
import { markSeen } from "./trigger-draft.ts";

export type ScenarioInput =
  | { readonly kind: "event"; readonly event: Envelope }
  /** `scenario.run@1`, or an operator: `event.data` of its expressions is `data`. */
  | { readonly kind: "run"; readonly event: Envelope; readonly data: unknown }
  | { readonly kind: "clock" }
  | {
      readonly kind: "result";
      readonly runId: string;
      readonly effectId: string;
      readonly ok: boolean;
      readonly data?: unknown;
      readonly error?: string;
    }
  | { readonly kind: "cancel"; readonly runId: string; readonly reason: string }
  /** A run is gone without having ended here. */
  | { readonly kind: "ended"; readonly runId: string }
  | { readonly kind: "retry"; readonly start: Start }
  | { readonly kind: "pause" | "resume" };

export interface Decision {
  /** The same object where nothing has changed: nothing has to be stored then. */
  readonly state: ScenarioState;
  /** Runs that are new or have changed, and have not ended. */
  readonly changed: readonly Run[];
  /** To be done once the state is stored. */
  readonly effects: readonly Effect[];
  /** Runs that have ended, for good: their records. */
  readonly ended: readonly Run[];
  readonly skips: readonly Skip[];
  /** When a `clock` is due at the latest. */
  readonly wakeAtMs: number | undefined;
}

interface Deciding {
  readonly scenario: Scenario;
  readonly nowMs: number;
  readonly isFull: boolean;
  triggers: TriggerState;
  runs: Record<string, Run>;
  isCopied: boolean;
  readonly changed: Map<string, Run>;
  readonly effects: Effect[];
  readonly ended: Run[];
  readonly skips: Skip[];
  wakeAtMs: number | undefined;
}

/**
 * What one input changes in a scenario and its runs. An input that it has had before changes nothing. Pure.
 * @param isFull Runs under way take so much room that no further one may begin.
 */
export function decide(
  scenario: Scenario,
  state: ScenarioState,
  input: ScenarioInput,
  nowMs: number,
  isFull = false,
): Decision {
  const { triggers, runs } = state;
  const x: Deciding = {
    scenario,
    nowMs,
    isFull,
    triggers,
    runs,
    isCopied: false,
    changed: new Map(),
    effects: [],
    ended: [],
    skips: [],
    wakeAtMs: undefined,
  };
  switch (input.kind) {
    case "result":
    case "cancel": {
      const run = runOf(x, input.runId);
      if (run !== undefined) apply(x, decideRun(run, input, nowMs));
      trigger(x, run === undefined && input.kind === "cancel" ? input : { kind: "look" });
      break;
    }
    case "event":
      if (!triggers.seen.includes(input.event.event_id)) onEvent(x, input.event);
      else trigger(x, { kind: "look" });
      break;
    case "clock":
      for (const run of Object.values(x.runs)) apply(x, decideRun(run, input, nowMs));
      trigger(x, input);
      break;
    default:
      trigger(x, input);
  }
  const isSame = x.triggers === triggers && x.runs === runs;
  const { effects, changed, ended, skips } = x;
  return {
    changed: [...changed.values()],
    state: isSame ? state : { triggers: x.triggers, runs: x.runs },
    effects,
    ended,
    skips,
    wakeAtMs: earliest([x.wakeAtMs, ...Object.values(x.runs).map(wakeOfRun)]),
  };
}

function runOf({ runs }: Deciding, id: string): Run | undefined {
  return Object.hasOwn(runs, id) ? runs[id] : undefined;
}

/** Runs that wait come first: a run that this event starts must not take it as the one that it waits for. */
function onEvent(x: Deciding, event: Envelope): void {
  const before = x.runs;
  for (const run of Object.values(x.runs)) apply(x, decideRun(run, { kind: "event", event }, x.nowMs));
  const wasTaken = x.runs !== before;
  trigger(x, { kind: "event", event });
  if (!wasTaken) return;
  const draft = { ...x.triggers };
  markSeen({ draft }, event.event_id);
  x.triggers = draft;
}

/** Lets the triggers decide, and starts and ends what follows from that. */
function trigger(x: Deciding, input: TriggerInput): void {
  const { state, starts, cancels, skips, wakeAtMs } = decideTriggers(
    x.scenario,
    x.triggers,
    input,
    x.nowMs,
    x.isFull,
  );
  x.triggers = state;
  x.wakeAtMs = wakeAtMs;
  x.skips.push(...skips);
  for (const { runId, reason } of cancels) {
    const run = runOf(x, runId);
    if (run !== undefined) apply(x, decideRun(run, { kind: "cancel", reason }, x.nowMs));
  }
  for (const start of starts) apply(x, startRun(x.scenario, start, x.nowMs));
}

function apply(
  x: Deciding,
  { run, effects }: { readonly run: Run; readonly effects: readonly Effect[] },
): void {
  if (x.runs[run.id] === run) return;
  x.effects.push(...effects);
  // Copied once for a decision: there may be hundreds.
  if (!x.isCopied) x.runs = { ...x.runs };
  x.isCopied = true;
  if (run.outcome === undefined) {
    x.runs[run.id] = run;
    x.changed.set(run.id, run);
    return;
  }
  delete x.runs[run.id];
  x.changed.delete(run.id);
  x.ended.push(run);
  trigger(x, { kind: "ended", runId: run.id });
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((ms) => ms !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
