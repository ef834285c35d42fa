import type { Envelope } from "@adaos/core";
import { expressionError } from "../cel/expression-error.ts";
import type { Scenario, Step } from "./compile.ts";
import { scopeOf } from "./scope.ts";
import type { Effect, Run, RunLogEntry, SequenceCursor, StepResult } from "./state.ts";

export type RunInput =
  /** An event for which the run may wait. */
  | { readonly kind: "event"; readonly event: Envelope }
  /** What became of an effect. */
  | {
      readonly kind: "result";
      readonly effectId: string;
      readonly ok: boolean;
      readonly data?: unknown;
      readonly error?: string;
    }
  /** It is later now. */
  | { readonly kind: "clock" }
  | { readonly kind: "cancel"; readonly reason: string };

/** A run while one input is applied to it. */
export interface Executing {
  readonly scenario: Scenario;
  readonly run: { -readonly [K in keyof Run]: Run[K] };
  readonly input: RunInput | undefined;
  readonly nowMs: number;
  readonly effects: Effect[];
  /** Steps and turns that this input has begun. */
  begunNow: number;
  /** Something has changed. */
  isChanged: boolean;
}

/** Where a step is, and what its expressions see beside the run's own variables. */
export interface Place {
  readonly path: string;
  readonly more: Readonly<Record<string, unknown>>;
}

/** Goes on with a sequence as far as it comes. Returns whether it has ended. */
export type Advance = (x: Executing, steps: readonly Step[], cursor: SequenceCursor, place: Place) => boolean;

/** A step that cannot be done: `onError` decides what follows. */
export class StepFailure extends Error {
  override readonly name = "StepFailure";
  readonly step: string;

  constructor(step: string, message: string) {
    super(message);
    this.step = step;
  }
}

/** The step `stop`: no error, and nothing catches it. */
export class StopRun extends Error {
  override readonly name = "StopRun";
  readonly isFailure: boolean;

  constructor(message: string, isFailure: boolean) {
    super(message);
    this.isFailure = isFailure;
  }
}

const MAX_LOG = 300;
const MAX_LOG_BYTES = 128 * 1024;
const MAX_ERROR_LENGTH = 500;

export function log({ run }: Executing, entry: RunLogEntry): void {
  const bytes = Buffer.byteLength(JSON.stringify(entry));
  if (run.log.length >= MAX_LOG || run.logBytes + bytes > MAX_LOG_BYTES) {
    run.unlogged++;
    return;
  }
  run.log = [...run.log, entry];
  run.logBytes += bytes;
}

/** Steps and turns that one run may begin, and that one input may begin. */
const MAX_STEPS = 10_000;
const MAX_STEPS_AT_ONCE = 1000;

/** Counts a step or a turn. Ends the run, as failed, at the limits: a decision must not take long. */
export function countStep(x: Executing, { path }: Place): void {
  x.isChanged = true;
  x.run.begun++;
  x.begunNow++;
  if (x.run.begun > MAX_STEPS) throw new StopRun(`${path}: a run has at most ${MAX_STEPS} steps`, true);
  if (x.begunNow > MAX_STEPS_AT_ONCE)
    throw new StopRun(
      `${path}: more than ${MAX_STEPS_AT_ONCE} steps at once; put a delay between them`,
      true,
    );
}

/** The scope of a step's expressions. */
export function scopeAt({ scenario, run, nowMs }: Executing, { more }: Place): Record<string, unknown> {
  return {
    ...scopeOf(scenario.name, run.trigger, nowMs, run.key),
    steps: run.steps,
    run: { id: run.id, started_at: new Date(run.startedMs) },
    ...more,
  };
}

/** Keeps the result that later expressions read as `steps.<name>`. */
export function setResult({ run }: Executing, name: string | undefined, result: StepResult): void {
  if (name !== undefined) run.steps = { ...run.steps, [name]: result };
}

/** Computes something of a step; an expression without a value fails the step. */
export function computed<T>({ path }: Place, compute: () => T): T {
  try {
    return compute();
  } catch (thrown) {
    throw new StepFailure(path, shortened(expressionError(thrown).message));
  }
}

export function shortened(text: string): string {
  return text.length > MAX_ERROR_LENGTH ? `${text.slice(0, MAX_ERROR_LENGTH)}...` : text;
}
