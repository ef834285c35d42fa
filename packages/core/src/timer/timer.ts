import { assertWithin } from "../language/assert-within.ts";
import type { EventKind } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import { assertEventName, quote } from "../language/event-name.ts";
import type { NodeAddress } from "../wire/subject.ts";
import { originTokenProblem } from "../wire/subject.ts";
import { Cron } from "./cron.ts";
import { assertZone, timeOfLocal } from "./zone.ts";

/** When a timer fires: exactly one of `cron`, `everyMs`, `at` and `inMs`. */
export interface TimerOptions {
  /** Five fields, or six with seconds first: every five minutes is `*` + `/5 * * * *`. */
  readonly cron?: string;
  /** At least 1000; counted from when the timer is made. */
  readonly everyMs?: number;
  /** Once: a date, or a text such as `2026-12-24T18:00`, read in `zone` unless it says its own. */
  readonly at?: Date | string;
  /** Fires once, this many milliseconds from now. */
  readonly inMs?: number;
  /** Time zone of `cron`, `at` and `until`, such as `Europe/Berlin`. @default "UTC" */
  readonly zone?: string;
  /** Fires up to this much later, always by the same time, so that many timers do not fire at once. @default 0 */
  readonly jitterMs?: number;
  /**
   * Handling of a fire while the event of the one before is unsettled at a durable of the subnet that names the event:
   * published all the same, left out, or kept until then (one of them). @default "allow"
   */
  readonly overlap?: TimerOverlap;
  /**
   * Handling of fires that are missed, since no process could publish them within a minute: none is published, the last
   * one, or all. @default "once"
   */
  readonly catchUp?: TimerCatchUp;
  /** Missed fires that are older are never published. @default 3600000 */
  readonly withinMs?: number;
  /** No fire after this time. */
  readonly until?: Date | string;
  /** No more fires than these. */
  readonly times?: number;
}

export type TimerOverlap = "allow" | "skip" | "buffer-one";
export type TimerCatchUp = "none" | "once" | "all";
export const TIMER_OVERLAPS: readonly TimerOverlap[] = ["allow", "skip", "buffer-one"];
export const TIMER_CATCH_UPS: readonly TimerCatchUp[] = ["none", "once", "all"];

/** What a timer publishes when it names no event. */
export const TIMER_TICK = "timer.tick@1";

export type TimerSchedule =
  | { readonly kind: "cron"; readonly cron: string; readonly zone: string }
  | { readonly kind: "every"; readonly everyMs: number }
  | { readonly kind: "at"; readonly atMs: number; readonly zone: string };

/** A timer as it is kept: nothing in it depends on when it is read. */
export interface TimerDefinition {
  /** 1 to 63 of `a-z 0-9 -`; unique within its node. */
  readonly name: string;
  readonly schedule: TimerSchedule;
  readonly event: { readonly name: string; readonly version: number; readonly kind: EventKind };
  /** null: the timer's name and the nominal time, as `timer.tick` has them. */
  readonly data: unknown;
  readonly jitterMs: number;
  readonly overlap: TimerOverlap;
  readonly catchUp: TimerCatchUp;
  readonly withinMs: number;
  readonly untilMs?: number;
  readonly times?: number;
}

/** A timer with the node to which it belongs. */
export interface Timer extends TimerDefinition {
  readonly owner: NodeAddress;
  /** When it was made or last changed, milliseconds since the epoch: `everyMs` counts from there. */
  readonly sinceMs: number;
  /** It is in the mesh file; else a program or an operator has made it. */
  readonly isDeclared: boolean;
}

/** Skipped fires by their reason. */
export interface SkippedFires {
  /** No process could publish them in time, and `catchUp` left them out. */
  readonly missed: number;
  readonly overlap: number;
  readonly paused: number;
  /** Policy does not let the node publish the event any more, or the event cannot be published. */
  readonly refused: number;
}

/** How far a timer has come. */
export interface TimerState {
  /** Every nominal time up to here is published, kept or skipped. */
  readonly decidedMs: number;
  readonly isPaused: boolean;
  readonly fired: number;
  /** The part of `fired` that was more than a second and at most a minute late. */
  readonly late: number;
  /** The part of `fired` that was missed at first. */
  readonly caughtUp: number;
  readonly skipped: SkippedFires;
  /** Nominal time of the newest fire, and its event. */
  readonly last?: { readonly nominalMs: number; readonly eventId: string };
  /** Nominal time that waits for the event of the fire before. */
  readonly bufferedMs?: number;
}

const SECOND_MS = 1000;
const YEAR_MS = 366 * 86_400_000;
const LATEST_MS = Date.UTC(2200, 0, 1);

/** A timer's definition from what a program or an operator asks. Throws `usage`. */
export function resolveTimer(
  name: string,
  options: TimerOptions,
  event: TimerDefinition["event"],
  data: unknown,
  nowMs: number,
): TimerDefinition {
  const { zone = "UTC", jitterMs = 0, overlap = "allow", catchUp = "once", withinMs = 3_600_000 } = options;
  assertZone(zone);
  const definition: TimerDefinition = {
    name,
    schedule: scheduleOf(options, zone, nowMs),
    event,
    data: data ?? null,
    jitterMs,
    overlap,
    catchUp,
    withinMs,
    ...(options.until === undefined ? {} : { untilMs: parseTimeIn("until", options.until, zone) }),
    ...(options.times === undefined ? {} : { times: options.times }),
  };
  assertTimer(definition);
  if (definition.untilMs !== undefined && definition.untilMs <= nowMs)
    throw new MeshError(
      "usage",
      `until of timer ${name} is past: ${new Date(definition.untilMs).toISOString()}`,
    );
  return definition;
}

/** Throws `usage` for a definition that no timer can have, `invalid-event` for a name that no event can have. */
export function assertTimer(definition: TimerDefinition): void {
  const { name, schedule, jitterMs, overlap, catchUp, withinMs, untilMs, times } = definition;
  const problem = originTokenProblem(name);
  if (problem !== undefined) throw new MeshError("usage", `timer ${quote(name)} ${problem}`);
  assertEventName(definition.event.name);
  if (definition.event.kind === "reply")
    throw new MeshError(
      "usage",
      `${definition.event.name} is a reply; a timer publishes events and commands`,
    );
  if (schedule.kind === "every") assertWithin("everyMs", schedule.everyMs, SECOND_MS, YEAR_MS);
  else assertZone(schedule.zone);
  if (schedule.kind === "cron") new Cron(schedule.cron);
  if (schedule.kind === "at") assertWithin("at", schedule.atMs, 0, LATEST_MS);
  assertWithin("jitterMs", jitterMs, 0, 86_400_000);
  if (!TIMER_OVERLAPS.includes(overlap)) throw noChoice("overlap", overlap, TIMER_OVERLAPS);
  if (!TIMER_CATCH_UPS.includes(catchUp)) throw noChoice("catchUp", catchUp, TIMER_CATCH_UPS);
  assertWithin("withinMs", withinMs, 0, 31 * 86_400_000);
  if (untilMs !== undefined) assertWithin("until", untilMs, 0, LATEST_MS);
  if (times !== undefined) assertWithin("times", times, 1, 1_000_000_000);
}

function noChoice(option: string, value: string, choices: readonly string[]): MeshError {
  return new MeshError("usage", `${option} must be ${choices.join(", ")}, not ${quote(String(value))}`);
}

function scheduleOf(options: TimerOptions, zone: string, nowMs: number): TimerSchedule {
  const { cron, everyMs, at, inMs } = options;
  const given = [cron, everyMs, at, inMs].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new MeshError(
      "usage",
      "a timer needs exactly one of a cron schedule, an interval, a time, and a delay",
    );
  if (cron !== undefined) return { kind: "cron", cron: new Cron(cron).text, zone };
  if (everyMs !== undefined) return { kind: "every", everyMs };
  if (inMs !== undefined) {
    assertWithin("inMs", inMs, 0, 10 * YEAR_MS);
    return { kind: "at", atMs: nowMs + inMs, zone };
  }
  const atMs = parseTimeIn("at", at ?? "", zone);
  if (atMs <= nowMs)
    throw new MeshError("usage", `the time of a timer is past: ${new Date(atMs).toISOString()}`);
  return { kind: "at", atMs, zone };
}

const LOCAL_TIME = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?$/;

/** Reads `2026-12-24T18:00`, in `zone` unless it ends with its own offset. Throws `usage`. Pure. */
export function parseTimeIn(option: string, time: Date | string, zone: string): number {
  if (time instanceof Date) {
    if (!Number.isNaN(time.getTime())) return time.getTime();
    throw new MeshError("usage", `${option} is no date`);
  }
  const [, year, month, day, hour, minute, second = "0", offset] = LOCAL_TIME.exec(time) ?? [];
  const local = {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
  };
  const asUtc = new Date(
    Date.UTC(local.year, local.month - 1, local.day, local.hour, local.minute, local.second),
  );
  // A 31st of April would be another day.
  const isReal =
    year !== undefined &&
    asUtc.getUTCDate() === local.day &&
    local.hour < 24 &&
    local.minute < 60 &&
    local.second < 60;
  if (!isReal) throw new MeshError("usage", `${option} must be like 2026-12-24T18:00, not ${quote(time)}`);
  const atMs = offset === undefined ? timeOfLocal(local, zone) : Date.parse(time.replace(" ", "T"));
  if (atMs >= 0 && atMs <= LATEST_MS) return atMs;
  throw new MeshError(
    "usage",
    `${option} must be from 1970 to 2199, with an offset of a zone, not ${quote(time)}`,
  );
}

/** The schedules of timers: a cron text costs more to read than to ask. */
const crons = new Map<string, Cron>();
const MAX_CRONS = 20_000;

function cronOf(text: string): Cron {
  const known = crons.get(text);
  if (known !== undefined) return known;
  const made = new Cron(text);
  if (crons.size >= MAX_CRONS) crons.clear();
  crons.set(text, made);
  return made;
}

/** The first nominal time after `afterMs`; undefined when there is none any more. Pure. */
export function nextNominal(
  { schedule, untilMs, sinceMs }: Pick<Timer, "schedule" | "untilMs" | "sinceMs">,
  afterMs: number,
): number | undefined {
  const next = nextOf(schedule, sinceMs, afterMs);
  return next === undefined || (untilMs !== undefined && next > untilMs) ? undefined : next;
}

function nextOf(schedule: TimerSchedule, sinceMs: number, afterMs: number): number | undefined {
  switch (schedule.kind) {
    case "cron":
      return cronOf(schedule.cron).next(afterMs, schedule.zone);
    case "every":
      return sinceMs + Math.max(1, Math.floor((afterMs - sinceMs) / schedule.everyMs) + 1) * schedule.everyMs;
    case "at":
      return schedule.atMs > afterMs ? schedule.atMs : undefined;
  }
}

/** The nominal times after `afterMs`, up to `lastMs`, at most `count`. Pure. */
export function nominalTimes(
  timer: Timer,
  afterMs: number,
  count: number,
  lastMs: number = Number.POSITIVE_INFINITY,
): number[] {
  const times: number[] = [];
  while (times.length < count) {
    const next = nextNominal(timer, times.at(-1) ?? afterMs);
    if (next === undefined || next > lastMs) break;
    times.push(next);
  }
  return times;
}

/** How a timer stands that begins now. Pure. */
export function newTimerState(nowMs: number): TimerState {
  return {
    decidedMs: nowMs,
    isPaused: false,
    fired: 0,
    late: 0,
    caughtUp: 0,
    skipped: { missed: 0, overlap: 0, paused: 0, refused: 0 },
  };
}

/** Whether two timers fire the same at the same times. Pure. */
export function isSameTimer(a: TimerDefinition, b: TimerDefinition): boolean {
  return JSON.stringify(definitionOf(a)) === JSON.stringify(definitionOf(b));
}

/** The definition alone, its fields in one order. Pure. */
export function definitionOf(timer: TimerDefinition): TimerDefinition {
  const { name, schedule, event, data, jitterMs, overlap, catchUp, withinMs, untilMs, times } = timer;
  return {
    name,
    schedule,
    event,
    data,
    jitterMs,
    overlap,
    catchUp,
    withinMs,
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(times === undefined ? {} : { times }),
  };
}
