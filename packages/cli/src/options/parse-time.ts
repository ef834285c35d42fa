import { InvalidArgumentError } from "commander";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** `30s`, `10m`, `2h`, `7d` in milliseconds. */
export function parseDuration(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError("must be like 30s, 10m, 2h or 7d");
  return Number(amount) * (UNIT_MS[unit] ?? 1);
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
