import type { SequenceCursor, Step, StepCursor } from "@adaos/skills";
import { type StepReport, timeText } from "./run-report.ts";

/** A sequence within a step, and how far a run has come in it. */
export interface StepWay {
  readonly label: string;
  readonly path: string;
  readonly isTaken: boolean;
  readonly steps: readonly Step[];
  readonly cursor: SequenceCursor | undefined;
}

/** The newest turns of a repetition that are shown. */
const MAX_TURNS = 50;

/**
 * The sequences of a step: its branches, turns, and what follows its error. Pure.
 * @param own Records of the step itself.
 * @param inner Where the run is in it.
 * @param recorded Paths that have a record, or a step within has.
 */
export function waysOf(
  step: Step,
  path: string,
  own: readonly StepReport[],
  inner: StepCursor | undefined,
  recorded: ReadonlySet<string>,
): StepWay[] {
  return [...bodiesOf(step, path, own, inner, recorded), ...recoveryOf(step, path, inner, recorded)];
}

function bodiesOf(
  step: Step,
  path: string,
  own: readonly StepReport[],
  inner: StepCursor | undefined,
  recorded: ReadonlySet<string>,
): StepWay[] {
  const { definition, bodies } = step;
  if ("choose" in definition) return branchesOf(step, path, own, inner);
  if ("parallel" in definition)
    return bodies.map((steps, i) => {
      const way = `${path}.parallel[${i}]`;
      const cursor = inner?.kind === "parallel" ? inner.bodies[i] : undefined;
      const isTaken = cursor !== undefined || recorded.has(path);
      return { label: `branch ${i + 1}`, path: way, isTaken, steps, cursor };
    });
  return "repeat" in definition ? turnsOf(step, path, own, inner, recorded) : [];
}

function branchesOf(
  { definition, bodies }: Step,
  path: string,
  own: readonly StepReport[],
  inner: StepCursor | undefined,
): StepWay[] {
  if (!("choose" in definition)) return [];
  const taken = own.findLast(({ outcome }) => outcome === "branch")?.branch;
  const count = definition.choose.length;
  return bodies.flatMap((steps, i): StepWay[] => {
    if (i === count && definition.otherwise === undefined && taken !== count) return [];
    const cursor = inner?.kind === "branch" && inner.branch === i ? inner.body : undefined;
    return [
      {
        label: i === count ? "otherwise" : `when ${definition.choose[i]?.when ?? ""}`,
        path: `${path}.${i === count ? "otherwise" : `choose[${i}].effects`}`,
        isTaken: taken === i || cursor !== undefined,
        steps,
        cursor,
      },
    ];
  });
}

function turnsOf(
  { bodies: [steps = []] }: Step,
  path: string,
  own: readonly StepReport[],
  inner: StepCursor | undefined,
  recorded: ReadonlySet<string>,
): StepWay[] {
  const begin = `${path}.repeat#`;
  const known = new Set<number>();
  for (const place of recorded)
    if (place.startsWith(begin)) known.add(Number.parseInt(place.slice(begin.length), 10));
  // A condition that ends the repetition is judged for a turn that does not begin.
  for (const { branch, conditions = [] } of own)
    if (branch !== undefined && conditions.some(({ value }) => value === true)) known.add(branch);
  if (inner?.kind === "repeat" && inner.index >= 0) known.add(inner.index);
  const turns = [...known].sort((a, b) => a - b).slice(-MAX_TURNS);
  if (turns.length === 0)
    return [{ label: "each turn", path: `${begin}0`, isTaken: false, steps, cursor: undefined }];
  return turns.map((turn) => ({
    label: `turn ${turn + 1}`,
    path: `${begin}${turn}`,
    isTaken: true,
    steps,
    cursor: inner?.kind === "repeat" && inner.index === turn ? inner.body : undefined,
  }));
}

function recoveryOf(
  { onError }: Step,
  path: string,
  inner: StepCursor | undefined,
  recorded: ReadonlySet<string>,
): StepWay[] {
  if (onError === undefined || onError === "continue") return [];
  const way = `${path}.onError`;
  const cursor = inner?.kind === "recover" ? inner.body : undefined;
  const isTaken = cursor !== undefined || onError.some((_, i) => recorded.has(`${way}[${i}]`));
  return [{ label: "on error", path: way, isTaken, steps: onError, cursor }];
}

/** Since and until when a step is under way. Pure. */
export function underWayIn(inner: StepCursor): { readonly began_at?: string; readonly until?: string } {
  if (inner.kind !== "effect" && inner.kind !== "delay" && inner.kind !== "wait") return {};
  const { sinceMs, dueMs } = inner;
  return { began_at: timeText(sinceMs), ...(dueMs === undefined ? {} : { until: timeText(dueMs) }) };
}

/** What the file says of a step, in a few words. Pure. */
export function aboutStep({ definition }: Step): string {
  if ("publish" in definition) return definition.publish;
  if ("request" in definition) return `${definition.request} within ${secondsText(definition.timeout)}`;
  if ("delay" in definition) {
    const { delay } = definition;
    return typeof delay === "number" ? secondsText(delay) : delay;
  }
  if ("wait" in definition) {
    const when = definition.when === undefined ? "" : ` when ${definition.when}`;
    return `${definition.wait}${when} within ${secondsText(definition.timeout)}`;
  }
  if ("choose" in definition) return "the first branch whose condition is true";
  if ("parallel" in definition) return `${definition.parallel.length} branches at the same time`;
  if ("repeat" in definition) {
    const { times, while: goesOn, until } = definition;
    if (times !== undefined) return `${times} times`;
    return goesOn === undefined ? `until ${until}` : `while ${goesOn}`;
  }
  return definition.stop;
}

function secondsText(ms: number): string {
  return `${ms / 1000} s`;
}
