import type { RepeatEffect } from "../file/definition.ts";
import type { Step } from "./compile.ts";
import {
  type Advance,
  countStep,
  type Executing,
  log,
  type Place,
  StepFailure,
  scopeAt,
} from "./executing.ts";
import { recordOf } from "./scope.ts";
import type { ConditionRecord, SequenceCursor, StepCursor } from "./state.ts";

type Inner<K extends StepCursor["kind"]> = Extract<StepCursor, { kind: K }>;

export function beginChoose(x: Executing, step: Step, cursor: SequenceCursor, place: Place): void {
  const scope = scopeAt(x, place);
  const conditions: ConditionRecord[] = [];
  let branch = step.whens.length;
  for (const [i, when] of step.whens.entries()) {
    if (when === undefined) continue;
    const judged = recordOf(when, scope);
    conditions.push(judged);
    if (judged.error !== undefined) throw new StepFailure(place.path, `${judged.text}: ${judged.error}`);
    if (judged.value === true) {
      branch = i;
      break;
    }
  }
  log(x, { step: place.path, verb: "choose", atMs: x.nowMs, outcome: "branch", branch, conditions });
  cursor.inner = { kind: "branch", branch, body: newCursor(cursor.nominalMs) };
}

export function proceedBranch(
  x: Executing,
  step: Step,
  cursor: SequenceCursor,
  { branch, body }: Inner<"branch">,
  place: Place,
  advance: Advance,
): boolean {
  const way = branch < step.whens.length ? `choose[${branch}].effects` : "otherwise";
  const isDone = advance(x, step.bodies[branch] ?? [], body, { ...place, path: `${place.path}.${way}` });
  cursor.nominalMs = body.nominalMs;
  return isDone;
}

export function beginParallel(step: Step, cursor: SequenceCursor): void {
  cursor.inner = { kind: "parallel", bodies: step.bodies.map(() => newCursor(cursor.nominalMs)) };
}

/** Goes on with each branch. One that fails fails the step: the others are left. */
export function proceedParallel(
  x: Executing,
  step: Step,
  cursor: SequenceCursor,
  { bodies }: Inner<"parallel">,
  place: Place,
  advance: Advance,
): boolean {
  const done = bodies.map((body, i) =>
    advance(x, step.bodies[i] ?? [], body, { ...place, path: `${place.path}.parallel[${i}]` }),
  );
  cursor.nominalMs = Math.max(...bodies.map(({ nominalMs }) => nominalMs));
  return done.every((one) => one);
}

export function beginRepeat(cursor: SequenceCursor): void {
  cursor.inner = { kind: "repeat", index: -1, body: { ...newCursor(cursor.nominalMs), at: -1 } };
}

/** Goes on with the turn, and from turn to turn. `at` of -1: no turn is under way. */
export function proceedRepeat(
  x: Executing,
  step: Step,
  cursor: SequenceCursor,
  inner: Inner<"repeat">,
  place: Place,
  advance: Advance,
): boolean {
  const { limit, times } = step.definition as RepeatEffect;
  const [steps = []] = step.bodies;
  for (;;) {
    if (inner.body.at >= 0) {
      const turn = { path: `${place.path}.repeat#${inner.index}`, more: moreIn(place, inner.index) };
      const isDone = advance(x, steps, inner.body, turn);
      cursor.nominalMs = inner.body.nominalMs;
      if (!isDone) return false;
      if (isTrue(x, step, 1, place, inner.index)) return true;
    }
    const next = inner.index + 1;
    if (times !== undefined && next >= times) return true;
    if (step.whens[0] !== undefined && !isTrue(x, step, 0, place, next)) return true;
    if (times === undefined && next >= limit)
      throw new StepFailure(place.path, `repeats more than ${limit} times, which is its limit`);
    countStep(x, place);
    inner.index = next;
    inner.body = newCursor(cursor.nominalMs);
  }
}

/** `while` (0) or `until` (1), of a turn. */
function isTrue(x: Executing, step: Step, which: number, place: Place, index: number): boolean {
  const expression = step.whens[which];
  if (expression === undefined) return false;
  const judged = recordOf(expression, scopeAt(x, { ...place, more: moreIn(place, index) }));
  if (judged.error !== undefined) throw new StepFailure(place.path, `${judged.text}: ${judged.error}`);
  const entry = {
    step: place.path,
    verb: "repeat",
    atMs: x.nowMs,
    outcome: "branch",
    branch: index,
  } as const;
  log(x, { ...entry, conditions: [judged] });
  return judged.value === true;
}

function moreIn({ more }: Place, index: number): Readonly<Record<string, unknown>> {
  return { ...more, repeat: { index: BigInt(index) } };
}

export function newCursor(nominalMs: number): SequenceCursor {
  return { at: 0, nominalMs };
}
