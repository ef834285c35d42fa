import { formatEventRef } from "../language/event-name.ts";
import { jitterOf } from "./decide-fires.ts";
import { nextNominal, type SkippedFires, type TimerCatchUp, type TimerOverlap } from "./timer.ts";
import type { KeptTimer } from "./timer-runner.ts";

/** A timer as it is shown. Times are RFC 3339. */
export interface TimerInfo {
  readonly name: string;
  /** `alpha/kitchen` */
  readonly node: string;
  /** `scenario.run@1` */
  readonly event: string;
  readonly data: unknown;
  readonly cron?: string;
  readonly every_ms?: number;
  readonly at?: string;
  readonly zone?: string;
  readonly jitter_ms: number;
  readonly overlap: TimerOverlap;
  readonly catch_up: TimerCatchUp;
  readonly within_ms: number;
  readonly until?: string;
  readonly times?: number;
  /** It is in the mesh file. */
  readonly declared: boolean;
  readonly state: "active" | "paused" | "over";
  /** When it fires next, jitter included; null for never. */
  readonly next: string | null;
  readonly fired: number;
  readonly late: number;
  readonly caught_up: number;
  readonly skipped: SkippedFires;
  readonly last?: { readonly scheduled_at: string; readonly event_id: string };
}

/** Pure. */
export function timerInfo({ timer, state }: KeptTimer): TimerInfo {
  const { owner, event, schedule, untilMs, times } = timer;
  const isDone = times !== undefined && state.fired >= times;
  const next = isDone ? undefined : nextNominal(timer, state.decidedMs);
  const status = state.isPaused
    ? "paused"
    : next === undefined && state.bufferedMs === undefined
      ? "over"
      : "active";
  return {
    name: timer.name,
    node: `${owner.subnet}/${owner.node}`,
    event: formatEventRef(event.name, event.version),
    data: timer.data,
    ...(schedule.kind === "cron" ? { cron: schedule.cron, zone: schedule.zone } : {}),
    ...(schedule.kind === "every" ? { every_ms: schedule.everyMs } : {}),
    ...(schedule.kind === "at" ? { at: iso(schedule.atMs), zone: schedule.zone } : {}),
    jitter_ms: timer.jitterMs,
    overlap: timer.overlap,
    catch_up: timer.catchUp,
    within_ms: timer.withinMs,
    ...(untilMs === undefined ? {} : { until: iso(untilMs) }),
    ...(times === undefined ? {} : { times }),
    declared: timer.isDeclared,
    state: status,
    next: next === undefined || state.isPaused ? null : iso(next + jitterOf(timer)),
    fired: state.fired,
    late: state.late,
    caught_up: state.caughtUp,
    skipped: state.skipped,
    ...(state.last === undefined
      ? {}
      : { last: { scheduled_at: iso(state.last.nominalMs), event_id: state.last.eventId } }),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
