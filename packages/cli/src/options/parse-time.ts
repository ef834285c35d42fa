import { parseDuration as durationMs } from "@adaos/config";
import { InvalidArgumentError } from "commander";

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** `30s`, `10m`, `2h`, `7d` in milliseconds. */
export function parseDuration(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw new InvalidArgumentError("must be like 30s, 10m, 2h or 7d");
  return ms;
}

/** A time, or a duration before now: milliseconds since the epoch. */
export function parseTime(text: string): number {
  if (!RFC3339.test(text)) {
    try {
      return Date.now() - parseDuration(text);
    } catch {
      throw new InvalidArgumentError("must be like 30s, 10m, 2h, 7d or 2026-01-05T09:30:00Z");
    }
  }
  const ms = Date.parse(text);
  // Date.parse() takes 30 February for 2 March.
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(ms) || day.toISOString().slice(0, 10) !== text.slice(0, 10))
    throw new InvalidArgumentError("must be a time that exists");
  return ms;
}
