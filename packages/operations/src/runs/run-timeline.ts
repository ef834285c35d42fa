import {
  type ConditionRecord,
  compileScenario,
  type Run,
  type SequenceCursor,
  type Step,
} from "@adaos/skills";
import type { StepReport, WholeRunReport } from "./run-report.ts";
import { type StepLines, stepLinesOf } from "./step-lines.ts";
import { aboutStep, underWayIn, waysOf } from "./step-ways.ts";

/** `left`: the run ended while it was under way. `no-record`: it may have been done, and the log has no line of it. */
export type StepState =
  | "done"
  | "failed"
  | "timeout"
  | "shadow"
  | "under-way"
  | "left"
  | "no-record"
  | "not-reached";

/** A step of a scenario's file, with what a run made of it. Times are RFC 3339. */
export interface TimelineStep {
  readonly step: string;
  readonly verb: string;
  /** What the file says of it: an event, a time, a pattern. */
  readonly about: string;
  readonly state: StepState;
  readonly lines?: StepLines;
  readonly began_at?: string;
  readonly ms?: number;
  /** Until when it waits. */
  readonly until?: string;
  readonly event?: string;
  readonly event_id?: string;
  readonly error?: string;
  readonly conditions: readonly ConditionRecord[];
  readonly ways: readonly TimelineWay[];
}

/** A sequence within a step: a branch, a turn, what follows an error. */
export interface TimelineWay {
  /** `when event.data.n > 1`, `otherwise`, `branch 1`, `turn 0`, `on error` */
  readonly label: string;
  readonly isTaken: boolean;
  readonly steps: readonly TimelineStep[];
}

/** A run step by step, beside the file as it was when the run began. */
export interface RunTimeline {
  readonly effects: readonly TimelineStep[];
  /** Of the whole scenario. */
  readonly on_error: readonly TimelineStep[];
  /** There are more steps than are shown. */
  readonly is_cut: boolean;
}

/** Steps and turns that a timeline shows; a run may begin 10,000. */
const MAX_STEPS = 1000;

/** What the building of a timeline knows throughout. */
interface Drawing {
  readonly report: WholeRunReport;
  readonly records: ReadonlyMap<string, readonly StepReport[]>;
  /** Paths of steps that have a record, or a step within has. */
  readonly recorded: ReadonlySet<string>;
  /** The path of the step that ended the run. */
  readonly failedAt: string | undefined;
  readonly linesOf: (step: string) => StepLines | undefined;
  left: number;
}

/**
 * Every step of a run's scenario and what became of it, branches that were not taken among them. Throws
 * `invalid-config` where another version of this program wrote the text. Pure.
 */
export function runTimeline(run: Run, report: WholeRunReport): RunTimeline {
  const { effects, onError } = compileScenario(run.scenario, run.text);
  const drawing = drawingOf(run, report);
  const cursor = run.outcome === undefined ? run.cursor : undefined;
  const isFailing = run.failing !== undefined;
  const steps = sequence(drawing, effects, "effects", isFailing ? undefined : cursor, true);
  const after = sequence(drawing, onError, "onError", isFailing ? cursor : undefined, isFailing);
  return { effects: steps, on_error: after, is_cut: drawing.left <= 0 };
}

function drawingOf(run: Run, report: WholeRunReport): Drawing {
  const records = new Map<string, StepReport[]>();
  for (const one of report.steps) records.set(one.step, [...(records.get(one.step) ?? []), one]);
  const recorded = new Set<string>();
  for (const path of records.keys())
    for (const { index } of path.matchAll(/\]/g)) recorded.add(path.slice(0, index + 1));
  const failedAt = /^((?:effects|onError)\[\S*?): /.exec(run.reason ?? "")?.[1];
  return { report, records, recorded, failedAt, linesOf: stepLinesOf(run.text), left: MAX_STEPS };
}

/** @param isTaken The run has come to this sequence. */
function sequence(
  drawing: Drawing,
  steps: readonly Step[],
  path: string,
  cursor: SequenceCursor | undefined,
  isTaken: boolean,
): TimelineStep[] {
  const lastRecorded = steps.findLastIndex((_, i) => drawing.recorded.has(`${path}[${i}]`));
  const shown: TimelineStep[] = [];
  for (const [i, step] of steps.entries()) {
    if (drawing.left-- <= 0) break;
    const place = `${path}[${i}]`;
    const isNext = isTaken && i === lastRecorded + 1 && !isBroken(shown.at(-1));
    shown.push(
      oneStep(drawing, step, place, {
        cursor: cursor?.at === i ? cursor : undefined,
        isPassed: i < lastRecorded || (cursor !== undefined && i < cursor.at),
        isNext,
      }),
    );
  }
  return shown;
}

function isBroken(before: TimelineStep | undefined): boolean {
  return before !== undefined && ["failed", "left", "under-way"].includes(before.state);
}

function isEnding(state: StepState): boolean {
  return state === "done" || state === "failed";
}

interface Standing {
  readonly cursor: SequenceCursor | undefined;
  /** Later steps of its sequence have begun. */
  readonly isPassed: boolean;
  /** It follows the last step that has a record. */
  readonly isNext: boolean;
}

function oneStep(drawing: Drawing, step: Step, path: string, standing: Standing): TimelineStep {
  const own = drawing.records.get(path) ?? [];
  const last = own.findLast(({ outcome }) => outcome !== "branch") ?? own.at(-1);
  const ways = waysOf(step, path, own, standing.cursor?.inner, drawing.recorded).map((way) => ({
    label: way.label,
    isTaken: way.isTaken,
    steps: sequence(drawing, way.steps, way.path, way.cursor, way.isTaken),
  }));
  const state = stateOf(drawing, step, path, standing, last, ways);
  const lines = drawing.linesOf(path);
  const reached = standing.cursor?.inner;
  const error = last?.error ?? (drawing.failedAt === path ? drawing.report.reason : undefined);
  const hasStopped = step.verb === "stop" && drawing.failedAt === undefined && isEnding(state);
  const stopped = hasStopped ? drawing.report.reason : undefined;
  return {
    step: path,
    verb: step.verb,
    about: stopped ?? aboutStep(step),
    state,
    ...(lines === undefined ? {} : { lines }),
    ...timesOf(own, last),
    ...(reached === undefined || last !== undefined ? {} : underWayIn(reached)),
    ...(last?.event === undefined ? {} : { event: last.event }),
    ...(last?.event_id === undefined ? {} : { event_id: last.event_id }),
    ...(error === undefined ? {} : { error }),
    conditions: own.flatMap(({ conditions = [] }) => conditions),
    ways,
  };
}

/** A record is written when a step ends, and says how long it took. */
function timesOf(
  own: readonly StepReport[],
  last: StepReport | undefined,
): Pick<TimelineStep, "began_at" | "ms"> {
  const [first] = own;
  if (first === undefined || last === undefined) return {};
  const begunMs = Date.parse(first.at) - (first.ms ?? 0);
  return { began_at: new Date(begunMs).toISOString(), ...(last.ms === undefined ? {} : { ms: last.ms }) };
}

function stateOf(
  { report, recorded, failedAt }: Drawing,
  { verb }: Step,
  path: string,
  { cursor, isPassed, isNext }: Standing,
  last: StepReport | undefined,
  ways: readonly TimelineWay[],
): StepState {
  if (last !== undefined && last.outcome !== "branch") return last.outcome;
  if (cursor !== undefined) return "under-way";
  if (failedAt === path || failedAt?.startsWith(`${path}.`) === true) return "failed";
  if (ways.some(({ steps }) => steps.some(({ state }) => state === "left"))) return "left";
  if (last !== undefined || recorded.has(path)) return "done";
  if (isPassed) return "no-record";
  if (!isNext) return "not-reached";
  const isEnded = report.outcome === "stopped" || report.outcome === "failed";
  if (verb === "stop" && isEnded && failedAt === undefined)
    return report.outcome === "failed" ? "failed" : "done";
  if (report.outcome === "cancelled") return "left";
  return report.unlogged > 0 ? "no-record" : "not-reached";
}
