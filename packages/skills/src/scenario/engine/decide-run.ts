import {
  beginChoose,
  beginParallel,
  beginRepeat,
  newCursor,
  proceedBranch,
  proceedParallel,
  proceedRepeat,
} from "./block-steps.ts";
import { compileScenario, type Scenario, type Step } from "./compile.ts";
import {
  computed,
  countStep,
  type Executing,
  log,
  type Place,
  type RunInput,
  StepFailure,
  StopRun,
  scopeAt,
  shortened,
} from "./executing.ts";
import { MAX_DEPTH } from "./ids.ts";
import {
  beginDelay,
  beginEffect,
  beginWait,
  proceedDelay,
  proceedEffect,
  proceedWait,
  rememberTaken,
} from "./leaf-steps.ts";
import type { Effect, Run, RunError, RunOutcome, SequenceCursor, Start } from "./state.ts";

/** Results and pending effects of a run: with its text, trigger and log it must fit into one message. */
const MAX_HELD_BYTES = 320 * 1024;

export interface RunDecision {
  /** The same object where nothing has changed. */
  readonly run: Run;
  /** New ones; `pendingEffects()` has all that are not done. */
  readonly effects: readonly Effect[];
}

/** A run from its start to its first wait, effect or end. Pure. */
export function startRun(scenario: Scenario, start: Start, nowMs: number): RunDecision {
  const { definition, name, hash, text } = scenario;
  const { runId: id, key, trigger, depth, ring, conditions } = start;
  const run: Run = {
    v: 1,
    id,
    scenario: name,
    hash,
    text,
    mode: definition.mode,
    overflow: definition.overflow,
    key,
    trigger,
    depth,
    ring,
    conditions,
    isShadow: definition.shadow,
    startedMs: nowMs,
    steps: start.from?.steps ?? {},
    log: [],
    logBytes: 0,
    unlogged: 0,
    begun: 0,
    taken: trigger.event === undefined ? [] : [trigger.event.event_id],
    cursor: { ...newCursor(trigger.nominalMs), at: start.from?.at ?? 0 },
  };
  if (depth <= MAX_DEPTH) return execute(scenario, run, undefined, nowMs);
  const reason = `${MAX_DEPTH} runs have caused each other: ${ring.join(" -> ")}`;
  return { run: ended(run, "loop", nowMs, reason), effects: [] };
}

/** What an input changes in a run. An input that it has had before changes nothing. Pure. */
export function decideRun(run: Run, input: RunInput, nowMs: number): RunDecision {
  if (run.cursor === undefined) return { run, effects: [] };
  if (input.kind === "cancel") return { run: ended(run, "cancelled", nowMs, input.reason), effects: [] };
  if (!concerns(run.cursor, input, nowMs)) return { run, effects: [] };
  return execute(compileScenario(run.scenario, run.text), run, input, nowMs);
}

/** A run never changes, and each decision asks all of them. */
const wakes = new WeakMap<Run, number>();

/** When a run is to be looked at again; undefined where only an event or a result moves it. Pure. */
export function wakeOfRun(run: Run): number | undefined {
  let wakeMs = wakes.get(run);
  if (wakeMs === undefined) {
    const times = run.cursor === undefined ? [] : leavesOf(run.cursor).flatMap((one) => one.dueMs ?? []);
    wakeMs = Math.min(...times);
    wakes.set(run, wakeMs);
  }
  return wakeMs === Number.POSITIVE_INFINITY ? undefined : wakeMs;
}

/** Every effect that is not known to be done: after a restart all of them are done again, by the same ids. Pure. */
export function pendingEffects({ cursor }: Run): Effect[] {
  if (cursor === undefined) return [];
  return leavesOf(cursor).flatMap((leaf) => (leaf.kind === "effect" ? [leaf.effect] : []));
}

type Leaf = Extract<NonNullable<SequenceCursor["inner"]>, { kind: "effect" | "delay" | "wait" }>;

function leavesOf({ inner }: SequenceCursor): Leaf[] {
  if (inner === undefined) return [];
  switch (inner.kind) {
    case "effect":
    case "delay":
    case "wait":
      return [inner];
    case "parallel":
      return inner.bodies.flatMap(leavesOf);
    default:
      return leavesOf(inner.body);
  }
}

function concerns(cursor: SequenceCursor, input: RunInput, nowMs: number): boolean {
  return leavesOf(cursor).some((leaf) => {
    if (leaf.dueMs !== undefined && leaf.dueMs <= nowMs) return true;
    if (input.kind === "event") return leaf.kind === "wait";
    return input.kind === "result" && leaf.kind === "effect" && leaf.effect.id === input.effectId;
  });
}

function execute(scenario: Scenario, before: Run, input: RunInput | undefined, nowMs: number): RunDecision {
  const run = { ...before, cursor: structuredClone(before.cursor) as SequenceCursor };
  const x: Executing = {
    scenario,
    run,
    input,
    nowMs,
    effects: [],
    begunNow: 0,
    isChanged: input === undefined,
  };
  settle(x, run.cursor);
  if (!x.isChanged) return { run: before, effects: [] };
  if (heldBytes(x) > MAX_HELD_BYTES) {
    const reason = `its results and pending effects have more than ${MAX_HELD_BYTES} bytes`;
    return {
      run: ended({ ...before, log: run.log, logBytes: run.logBytes }, "failed", nowMs, reason),
      effects: [],
    };
  }
  if (input?.kind === "event") rememberTaken(x, input.event.event_id);
  return { run: x.run as Run, effects: x.run.outcome === undefined ? x.effects : [] };
}

/** Size of what grows with data from outside; it is looked at where some may have come. */
function heldBytes({ run, effects, input }: Executing): number {
  if (
    run.outcome !== undefined ||
    (effects.length === 0 && input?.kind !== "result" && input?.kind !== "event")
  )
    return 0;
  return Buffer.byteLength(JSON.stringify([run.steps, run.cursor]));
}

/** Goes on as far as it comes, and ends the run where that is its end. */
function settle(x: Executing, cursor: SequenceCursor): void {
  const { scenario, run, nowMs } = x;
  const { failing } = run;
  const [steps, place] =
    failing === undefined
      ? [scenario.effects, { path: "effects", more: {} }]
      : [scenario.onError, { path: "onError", more: { error: failing } }];
  try {
    if (!advance(x, steps, cursor, place)) return;
    end(x, failing === undefined ? "succeeded" : "failed", failing && reasonOf(failing));
  } catch (thrown) {
    x.isChanged = true;
    if (thrown instanceof StopRun) return end(x, thrown.isFailure ? "failed" : "stopped", thrown.message);
    if (!(thrown instanceof StepFailure)) throw thrown;
    const error: RunError = { step: thrown.step, message: thrown.message };
    if (failing !== undefined || scenario.onError.length === 0)
      return end(x, "failed", reasonOf(failing ?? error));
    run.failing = error;
    x.effects.length = 0;
    run.cursor = newCursor(Math.max(cursor.nominalMs, run.trigger.nominalMs));
    settle(x, run.cursor);
  }
  function end(of: Executing, outcome: RunOutcome, reason: string | undefined): void {
    Object.assign(of.run, ended(of.run, outcome, nowMs, reason));
    delete of.run.cursor;
  }
}

function reasonOf({ step, message }: RunError): string {
  return `${step}: ${message}`;
}

function ended(run: Run, outcome: RunOutcome, nowMs: number, reason: string | undefined): Run {
  const { cursor: _, ...rest } = run;
  return { ...rest, outcome, endedMs: nowMs, ...(reason === undefined ? {} : { reason }) };
}

function advance(x: Executing, steps: readonly Step[], cursor: SequenceCursor, outer: Place): boolean {
  for (let step = steps[cursor.at]; step !== undefined; step = steps[cursor.at]) {
    const place = { ...outer, path: `${outer.path}[${cursor.at}]` };
    if (!attempt(x, step, cursor, place)) return false;
    delete cursor.inner;
    cursor.at++;
  }
  return true;
}

/** Begins a step or goes on with it, or with what follows its failure. Returns whether it has ended. */
function attempt(x: Executing, step: Step, cursor: SequenceCursor, place: Place): boolean {
  try {
    if (cursor.inner === undefined) {
      begin(x, step, cursor, place);
      // It begins with the next event: this one has ended the wait before it, or has nothing to do with it.
      if (step.verb === "wait") return false;
    }
    return cursor.inner === undefined || proceed(x, step, cursor, place);
  } catch (thrown) {
    const { onError } = step;
    if (!(thrown instanceof StepFailure) || onError === undefined || isRecovering(cursor)) throw thrown;
    x.isChanged = true;
    const error = { step: thrown.step, message: thrown.message };
    dropEffects(x, place.path);
    log(x, { step: place.path, verb: step.verb, atMs: x.nowMs, outcome: "failed", error: thrown.message });
    if (onError === "continue") return true;
    cursor.inner = { kind: "recover", error, body: newCursor(cursor.nominalMs) };
    return proceed(x, step, cursor, place);
  }
}

function isRecovering({ inner }: SequenceCursor): boolean {
  return inner?.kind === "recover";
}

/** Effects of a step that has failed in the same decision are not done: their branch is left. */
function dropEffects({ effects }: Executing, path: string): void {
  const others = effects.filter(({ step }) => !step.startsWith(path));
  effects.splice(0, effects.length, ...others);
}

function begin(x: Executing, step: Step, cursor: SequenceCursor, place: Place): void {
  countStep(x, place);
  switch (step.verb) {
    case "publish":
    case "request":
      beginEffect(x, step, cursor, place);
      break;
    case "delay":
      beginDelay(x, step, cursor, place);
      break;
    case "wait":
      beginWait(x, step, cursor);
      break;
    case "choose":
      beginChoose(x, step, cursor, place);
      break;
    case "parallel":
      beginParallel(step, cursor);
      break;
    case "repeat":
      beginRepeat(cursor);
      break;
    default: {
      const reason = computed(place, () => step.value(scopeAt(x, place)));
      throw new StopRun(shortened(String(reason)), (step.definition as { failed: boolean }).failed);
    }
  }
}

function proceed(x: Executing, step: Step, cursor: SequenceCursor, place: Place): boolean {
  const { inner } = cursor;
  if (inner === undefined) return true;
  switch (inner.kind) {
    case "effect":
      return proceedEffect(x, step, inner, place);
    case "delay":
      return proceedDelay(x, cursor, inner, place);
    case "wait":
      return proceedWait(x, step, cursor, inner, place);
    case "branch":
      return proceedBranch(x, step, cursor, inner, place, advance);
    case "parallel":
      return proceedParallel(x, step, cursor, inner, place, advance);
    case "repeat":
      return proceedRepeat(x, step, cursor, inner, place, advance);
    default: {
      const steps = Array.isArray(step.onError) ? (step.onError as readonly Step[]) : [];
      const at = { path: `${place.path}.onError`, more: { ...place.more, error: inner.error } };
      return advance(x, steps, inner.body, at);
    }
  }
}
