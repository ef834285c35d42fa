import { MeshError } from "../language/errors.ts";
import { quote } from "../language/event-name.ts";
import { localTimeOf, timeOfLocal } from "./zone.ts";

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: readonly [Field, Field, Field, Field, Field, Field] = [
  { name: "second", least: 0, most: 59 },
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of month", least: 1, most: 31 },
  { name: "month", least: 1, most: 12, names: MONTHS },
  // 7 is Sunday too.
  { name: "day of week", least: 0, most: 7, names: WEEKDAYS },
];
const MACROS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const DAY_MS = 86_400_000;
/** A 29th of February comes at the same day of the week within 40 years. */
const MAX_MS = 41 * 366 * DAY_MS;

/**
 * A schedule of five or six fields (seconds first), as cron has them: lists, ranges, steps, names of months and days.
 * Where day of month and day of week are both restricted, either is enough.
 *
 * When clocks are changed: a schedule of every hour follows the time that passes, so `*` + `/15 * * * *` fires every 15
 * minutes, whatever the clocks show. Any other fires once at a time that comes twice, and for times that are left out
 * once, as soon as the clocks go on (the rule of Debian's cron).
 */
export class Cron {
  readonly text: string;
  readonly #seconds: readonly number[];
  readonly #minutes: readonly number[];
  readonly #hours: readonly number[];
  readonly #days: ReadonlySet<number>;
  readonly #months: ReadonlySet<number>;
  readonly #weekdays: ReadonlySet<number>;
  readonly #isEither: boolean;

  /** Throws `usage` with the field that is wrong. */
  constructor(text: string) {
    this.text = text.trim().replaceAll(/\s+/g, " ");
    const fields = (MACROS[this.text.toLowerCase()] ?? this.text).split(" ");
    if (fields.length === 5) fields.unshift("0");
    if (fields.length !== 6)
      throw wrong(text, `has ${fields.length} fields; it needs five, or six with seconds first`);
    const [seconds, minutes, hours, days, months, weekdays] = FIELDS.map((field, i) =>
      parseField(text, fields[i] ?? "", field),
    );
    this.#seconds = seconds ?? [];
    this.#minutes = minutes ?? [];
    this.#hours = hours ?? [];
    this.#days = new Set(days);
    this.#months = new Set(months);
    this.#weekdays = new Set((weekdays ?? []).map((day) => day % 7));
    this.#isEither = !fields[3]?.startsWith("*") && !fields[5]?.startsWith("*");
    if (this.next(0, "UTC") === undefined) throw wrong(text, "names a day that never comes");
  }

  /** The first time after `afterMs` at which it fires, in milliseconds since the epoch. Pure. */
  next(afterMs: number, zone: string): number | undefined {
    const { year, month, day } = localTimeOf(afterMs, zone);
    const firstMs = Date.UTC(year, month - 1, day);
    for (let dayMs = firstMs; dayMs <= firstMs + MAX_MS; ) {
      const date = new Date(dayMs);
      // A day of a year is found month by month, so that a request for a thousand times returns soon.
      if (!this.#months.has(date.getUTCMonth() + 1)) {
        dayMs = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
        continue;
      }
      const found = this.#isOn(date) ? this.#nextWithin(date, afterMs, zone) : undefined;
      if (found !== undefined) return found;
      dayMs += DAY_MS;
    }
    return undefined;
  }

  #isOn(date: Date): boolean {
    const isDay = this.#days.has(date.getUTCDate());
    const isWeekday = this.#weekdays.has(date.getUTCDay());
    return this.#isEither ? isDay || isWeekday : isDay && isWeekday;
  }

  #nextWithin(date: Date, afterMs: number, zone: string): number | undefined {
    return this.#hours.length === 24
      ? this.#nextByTime(date, afterMs, zone)
      : this.#nextByClock(date, afterMs, zone);
  }

  /** Every hour: goes along the time that passes, from one that matches to the next. */
  #nextByTime(date: Date, afterMs: number, zone: string): number | undefined {
    const startMs = timeOfLocal(localAt(date), zone);
    const endMs = timeOfLocal(localAt(new Date(date.getTime() + DAY_MS)), zone);
    let atMs = Math.max(startMs, Math.floor(afterMs / 1000) * 1000 + 1000);
    while (atMs < endMs) {
      const { minute, second } = localTimeOf(atMs, zone);
      const nextMinute = this.#minutes.find((one) => one >= minute) ?? 60;
      if (nextMinute > minute) {
        atMs += (nextMinute - minute) * 60_000 - second * 1000;
        continue;
      }
      const nextSecond = this.#seconds.find((one) => one >= second);
      if (nextSecond === undefined) atMs += (60 - second) * 1000;
      else if (nextSecond > second) atMs += (nextSecond - second) * 1000;
      else return atMs;
    }
    return undefined;
  }

  /** Certain hours: goes along what the clocks show. */
  #nextByClock(date: Date, afterMs: number, zone: string): number | undefined {
    for (const hour of this.#hours) {
      if (timeOfLocal(localAt(date, hour, 59, 59), zone) <= afterMs) continue;
      for (const minute of this.#minutes) {
        if (timeOfLocal(localAt(date, hour, minute, 59), zone) <= afterMs) continue;
        for (const second of this.#seconds) {
          const atMs = timeOfLocal(localAt(date, hour, minute, second), zone);
          if (atMs > afterMs) return atMs;
        }
      }
    }
    return undefined;
  }
}

function localAt(date: Date, hour = 0, minute = 0, second = 0) {
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour,
    minute,
    second,
  };
}

function parseField(text: string, field: string, { name, least, most, names }: Field): number[] {
  const found = new Set<number>();
  const numberOf = (part: string): number => {
    const named = names?.indexOf(part.toLowerCase()) ?? -1;
    const value = named === -1 ? (/^\d{1,2}$/.test(part) ? Number(part) : Number.NaN) : named + least;
    if (value >= least && value <= most) return value;
    throw wrong(
      text,
      `has ${quote(part)} as ${name}; write ${least} to ${most}, *, a list, a range or a step`,
    );
  };
  for (const item of field.split(",")) {
    const [range = "", step, ...rest] = item.split("/");
    const [first = "", last, ...more] = range.split("-");
    if (rest.length > 0 || more.length > 0) throw wrong(text, `has ${quote(item)} as ${name}`);
    const by = step === undefined ? 1 : /^\d{1,2}$/.test(step) ? Number(step) : 0;
    if (by === 0) throw wrong(text, `has the step ${quote(step ?? "")} as ${name}; write a number from 1`);
    // 7 stands for Sunday, which * has already.
    const end = names === WEEKDAYS ? 6 : most;
    const isOne = range !== "*" && last === undefined;
    if (isOne && step !== undefined)
      throw wrong(text, `has ${quote(item)} as ${name}; a step needs * or a range`);
    const from = range === "*" ? least : numberOf(first);
    const until = range === "*" ? end : last === undefined ? from : numberOf(last);
    // mon-sun
    const to = names === WEEKDAYS && until === 0 && from > 0 ? 7 : until;
    if (from > to) throw wrong(text, `has the range ${quote(range)} as ${name}, which ends before it begins`);
    for (let value = from; value <= to; value += by) found.add(value);
  }
  return [...found].sort((a, b) => a - b);
}

function wrong(text: string, why: string): MeshError {
  return new MeshError("usage", `the schedule ${quote(text)} ${why}`);
}
