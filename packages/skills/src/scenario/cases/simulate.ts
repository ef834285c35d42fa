import type { Scenario } from "../engine/compile.ts";
import { type Decision, decide, type ScenarioInput } from "../engine/decide.ts";
import { type Effect, newScenarioState, type Run, type ScenarioState, type Skip } from "../engine/state.ts";

/** An input and its time. */
export interface TimedInput {
  readonly atMs: number;
  readonly input: ScenarioInput;
}

export interface SimulateOptions {
  readonly startMs: number;
  /** Later than this nothing is looked at. */
  readonly untilMs: number;
  readonly inputs: readonly TimedInput[];
  /** What becomes of an effect; undefined: nobody ever answers. */
  answer(
    effect: Effect,
  ):
    | { readonly afterMs: number; readonly ok: boolean; readonly data?: unknown; readonly error?: string }
    | undefined;
}

/** What has happened, in order. */
export interface Simulated {
  readonly effects: readonly { readonly atMs: number; readonly effect: Effect }[];
  readonly ended: readonly Run[];
  readonly skips: readonly Skip[];
  readonly state: ScenarioState;
}

const OWNER = "test/member";
const MAX_DECISIONS = 100_000;

/** Runs a scenario on a clock of its own: nothing waits. Pure. */
export function simulate(scenario: Scenario, options: SimulateOptions): Simulated {
  const queue = options.inputs.toSorted((a, b) => a.atMs - b.atMs);
  const effects: { atMs: number; effect: Effect }[] = [];
  const ended: Run[] = [];
  const skips: Skip[] = [];
  let state = newScenarioState(OWNER);
  let wakeAtMs: number | undefined;
  const take = (input: ScenarioInput, nowMs: number): void => {
    const decision: Decision = decide(scenario, state, input, nowMs);
    state = decision.state;
    wakeAtMs = decision.wakeAtMs;
    ended.push(...decision.ended);
    skips.push(...decision.skips);
    for (const effect of decision.effects) {
      effects.push({ atMs: nowMs, effect });
      const answer = options.answer(effect);
      if (answer === undefined) continue;
      const { afterMs, ...result } = answer;
      const { runId, id: effectId } = effect;
      insert(queue, { atMs: nowMs + afterMs, input: { kind: "result", runId, effectId, ...result } });
    }
  };
  take({ kind: "clock" }, options.startMs);
  for (let i = 0; i < MAX_DECISIONS; i++) {
    const [next] = queue;
    const isInput = next !== undefined && next.atMs <= (wakeAtMs ?? Number.POSITIVE_INFINITY);
    const atMs = isInput ? next.atMs : wakeAtMs;
    if (atMs === undefined || atMs > options.untilMs) break;
    if (isInput) queue.shift();
    take(isInput ? next.input : { kind: "clock" }, atMs);
  }
  return { effects, ended, skips, state };
}

/** Keeps the order of time; what comes later at the same time stays later. */
function insert(queue: TimedInput[], one: TimedInput): void {
  const at = queue.findIndex(({ atMs }) => atMs > one.atMs);
  queue.splice(at < 0 ? queue.length : at, 0, one);
}
