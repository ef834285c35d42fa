import { createHash } from "node:crypto";
import { nextNominal, type SkippedFires, type Timer, type TimerState } from "./timer.ts";

/** `late`: more than a second. `caught-up`: missed, and published all the same. */
export type FireKind = "on-time" | "late" | "caught-up";

/** The decision on each nominal time, in their order. */
export type TimerStep =
  | { readonly kind: "fire"; readonly nominalMs: number; readonly fire: FireKind; readonly decidedMs: number }
  | {
      readonly kind: "skip";
      readonly reason: keyof SkippedFires;
      readonly count: number;
      readonly decidedMs: number;
    }
  | { readonly kind: "buffer"; readonly nominalMs: number; readonly decidedMs: number };

export interface TimerDecision {
  readonly steps: readonly TimerStep[];
  /** When it is to be looked at again; undefined when it will never fire any more. */
  readonly wakeAtMs: number | undefined;
}

const ON_TIME_MS = 1000;
/** A fire that is published within this time is late; after it, it is missed, and catching up decides. */
export const LATE_MS = 60_000;
/** More are left to the next look. */
const MAX_STEPS = 1000;
/** Missed times that are too old to be published are counted up to here. */
export const MAX_COUNTED = 10_000;
/** How often it is asked whether the event of the fire before is settled. */
const BUFFER_POLL_MS = 1000;

/** How much later than its nominal times a timer fires. Pure, and the same wherever it is asked. */
export function jitterOf({ owner, name, jitterMs }: Pick<Timer, "owner" | "name" | "jitterMs">): number {
  if (jitterMs === 0) return 0;
  const digest = createHash("sha256").update(`${owner.subnet}/${owner.node}/${name}`).digest();
  return digest.readUInt32BE(0) % (jitterMs + 1);
}

/**
 * The steps for the nominal times of a timer that have come. Pure.
 * @param isRunning Whether the event of its last fire is unsettled; only asked where overlap is restricted.
 */
export function decideFires(
  timer: Timer,
  state: TimerState,
  nowMs: number,
  isRunning: boolean,
): TimerDecision {
  const jitter = jitterOf(timer);
  if (state.isPaused) return { steps: [], wakeAtMs: undefined };
  const steps: TimerStep[] = [];
  let fired = state.fired;
  let running = isRunning;
  let buffered = state.bufferedMs;
  const isDone = (): boolean => timer.times !== undefined && fired >= timer.times;
  const fire = (nominalMs: number, kind: FireKind, decidedMs: number): void => {
    steps.push({ kind: "fire", nominalMs, fire: kind, decidedMs });
    fired++;
    running = true;
  };
  if (buffered !== undefined && !running && !isDone()) {
    fire(buffered, nowMs - buffered - jitter > LATE_MS ? "caught-up" : "late", state.decidedMs);
    buffered = undefined;
  }
  const due = isDone() ? NONE_DUE : dueTimes(timer, state.decidedMs, nowMs - jitter);
  if (due.tooOld > 0)
    steps.push({ kind: "skip", reason: "missed", count: due.tooOld, decidedMs: due.fromMs });
  const missed = due.times.filter((nominal) => nowMs - jitter - nominal > LATE_MS);
  // A later one stands for the missed ones, also one that is left to the next look.
  const isFollowed =
    missed.length < due.times.length || (due.next ?? Number.POSITIVE_INFINITY) <= nowMs - jitter;
  for (const nominalMs of due.times) {
    if (isDone()) break;
    const lateMs = nowMs - jitter - nominalMs;
    const isMissed = lateMs > LATE_MS;
    const isLastMissed = nominalMs === missed.at(-1) && !isFollowed;
    if (isMissed && (timer.catchUp === "none" || (timer.catchUp === "once" && !isLastMissed))) {
      steps.push({ kind: "skip", reason: "missed", count: 1, decidedMs: nominalMs });
    } else if (timer.overlap !== "allow" && running) {
      if (timer.overlap === "buffer-one" && buffered === undefined) {
        buffered = nominalMs;
        steps.push({ kind: "buffer", nominalMs, decidedMs: nominalMs });
      } else steps.push({ kind: "skip", reason: "overlap", count: 1, decidedMs: nominalMs });
    } else fire(nominalMs, isMissed ? "caught-up" : lateMs > ON_TIME_MS ? "late" : "on-time", nominalMs);
  }
  return {
    steps,
    wakeAtMs: isDone() ? undefined : wakeAt(timer, due, state.decidedMs, jitter, buffered, nowMs),
  };
}

interface DueTimes {
  readonly times: readonly number[];
  /** Those before `fromMs`, which will not be published any more. */
  readonly tooOld: number;
  readonly fromMs: number;
  readonly next: number | undefined;
}

const NONE_DUE: DueTimes = { times: [], tooOld: 0, fromMs: 0, next: undefined };

function dueTimes(timer: Timer, decidedMs: number, untilMs: number): DueTimes {
  const oldestMs = untilMs - Math.max(LATE_MS, timer.catchUp === "none" ? 0 : timer.withinMs);
  let tooOld = 0;
  let next = nextNominal(timer, decidedMs);
  while (next !== undefined && next < oldestMs && next <= untilMs) {
    // Years of seconds are not gone through one by one.
    tooOld++;
    next = nextNominal(timer, tooOld < MAX_COUNTED ? next : oldestMs - 1);
  }
  const fromMs = next === undefined ? oldestMs - 1 : Math.min(next - 1, oldestMs - 1);
  const times: number[] = [];
  while (next !== undefined && next <= untilMs && times.length < MAX_STEPS) {
    times.push(next);
    next = nextNominal(timer, next);
  }
  return { times, tooOld, fromMs, next };
}

function wakeAt(
  timer: Timer,
  due: DueTimes,
  decidedMs: number,
  jitter: number,
  buffered: number | undefined,
  nowMs: number,
): number | undefined {
  const next = due.times.length > 0 || due.tooOld > 0 ? due.next : nextNominal(timer, decidedMs);
  const nextMs = next === undefined ? undefined : Math.max(next + jitter, 0);
  if (buffered === undefined) return nextMs;
  return Math.min(nextMs ?? Number.POSITIVE_INFINITY, nowMs + BUFFER_POLL_MS);
}

/** The state after a step. Pure. */
export function afterStep(state: TimerState, step: TimerStep, eventId?: string): TimerState {
  const { bufferedMs: _, ...rest } = state;
  const kept = state.bufferedMs === undefined ? {} : { bufferedMs: state.bufferedMs };
  const decidedMs = Math.max(state.decidedMs, step.decidedMs);
  switch (step.kind) {
    case "skip": {
      const skipped = { ...state.skipped, [step.reason]: state.skipped[step.reason] + step.count };
      return { ...rest, ...kept, decidedMs, skipped };
    }
    case "buffer":
      return { ...rest, decidedMs, bufferedMs: step.nominalMs };
    case "fire":
      return {
        ...rest,
        ...(state.bufferedMs === step.nominalMs ? {} : kept),
        decidedMs,
        fired: state.fired + 1,
        late: state.late + (step.fire === "late" ? 1 : 0),
        caughtUp: state.caughtUp + (step.fire === "caught-up" ? 1 : 0),
        ...(eventId === undefined ? {} : { last: { nominalMs: step.nominalMs, eventId } }),
      };
  }
}
