import type { RunDetail } from "../../../../api/behaviour.ts";

/** A step of the time line. */
export type Step = NonNullable<RunDetail["timeline"]>["effects"][number];

/** Every step, those within others after them. Pure. */
export function allSteps(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) => [step, ...step.ways.flatMap((way) => allSteps(way.steps))]);
}

const ORDER: readonly Step["state"][] = [
  "not-reached",
  "no-record",
  "done",
  "shadow",
  "timeout",
  "left",
  "under-way",
  "failed",
];

/** What became of the lines of steps: a step within another says more of its lines, and of turns the worst. Pure. */
export function lineStates(steps: readonly Step[]): ReadonlyMap<number, Step["state"]> {
  const states = new Map<number, Step["state"]>();
  for (const { lines, state, ways } of steps) {
    if (lines === undefined) continue;
    const last = ways.length === 0 ? lines.last : lines.first;
    for (let line = lines.first; line <= last; line++) {
      const before = states.get(line);
      if (before === undefined || ORDER.indexOf(state) > ORDER.indexOf(before)) states.set(line, state);
    }
  }
  return states;
}

/** Where a step is within its run, in percent of the run's length; undefined where it has no time. Pure. */
export function placeOf(
  { began_at, ms, state }: Step,
  { started_at, duration_ms }: RunDetail["run"],
): { readonly from: number; readonly width: number } | undefined {
  if (began_at === undefined) return undefined;
  const whole = Math.max(1, duration_ms);
  const from = Math.max(0, Math.min(100, ((Date.parse(began_at) - Date.parse(started_at)) / whole) * 100));
  const width = state === "under-way" ? 100 - from : ((ms ?? 0) / whole) * 100;
  return { from, width: Math.max(0, Math.min(100 - from, width)) };
}
