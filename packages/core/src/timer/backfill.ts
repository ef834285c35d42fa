import { MeshError } from "../language/errors.ts";
import { nominalTimes, type Timer } from "./timer.ts";

/** The maximum of fires of one backfill. */
export const MAX_BACKFILL = 1000;

/** The nominal times of a backfill. Throws `usage` for times to come, and for too many. Pure. */
export function backfillTimes(timer: Timer, fromMs: number, toMs: number, nowMs: number): readonly number[] {
  if (toMs > nowMs)
    throw new MeshError(
      "usage",
      "a backfill fires for times that are past; those to come fire by themselves",
    );
  // A timer may be asked for times before it was made.
  const since = { ...timer, sinceMs: Math.min(timer.sinceMs, anchorBefore(timer, fromMs)) };
  const times = nominalTimes(since, fromMs - 1, MAX_BACKFILL + 1, toMs);
  if (times.length > MAX_BACKFILL)
    throw new MeshError("usage", `a backfill fires at most ${MAX_BACKFILL} times; choose a shorter time`);
  return times;
}

function anchorBefore({ schedule, sinceMs }: Timer, fromMs: number): number {
  if (schedule.kind !== "every" || fromMs > sinceMs) return sinceMs;
  return sinceMs - (Math.floor((sinceMs - fromMs) / schedule.everyMs) + 1) * schedule.everyMs;
}
