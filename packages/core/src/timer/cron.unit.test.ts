import { Cron as Croner } from "croner";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Cron } from "./cron.ts";
import { localTimeOf, offsetMs } from "./zone.ts";

const T0 = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const YEAR_MS = 366 * DAY_MS;

/** The times at which it fires in a stretch of UTC time, as `HH:MM` in UTC. */
function times(cron: string, zone: string, from: string, to: string): string[] {
  const schedule = new Cron(cron);
  const found: string[] = [];
  const endMs = Date.parse(to);
  for (let at = schedule.next(Date.parse(from) - 1, zone); at !== undefined && at <= endMs; ) {
    found.push(new Date(at).toISOString().slice(11, 16));
    at = schedule.next(at, zone);
  }
  return found;
}

/** Every quarter of an hour from one UTC time to another. */
function quarters(from: string, to: string): string[] {
  const found: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += 900_000)
    found.push(new Date(at).toISOString().slice(11, 16));
  return found;
}

// The changes of 2026, from the IANA database: when (UTC), and what the clocks show at the moment before.
const CHANGES = [
  { zone: "Europe/Berlin", gap: "2026-03-29T01:00Z", overlap: "2026-10-25T01:00Z", local: "02:00 to 03:00" },
  {
    zone: "America/New_York",
    gap: "2026-03-08T07:00Z",
    overlap: "2026-11-01T06:00Z",
    local: "02:00 to 03:00",
  },
  {
    zone: "Australia/Lord_Howe",
    gap: "2026-10-03T15:30Z",
    overlap: "2026-04-04T15:00Z",
    local: "by 30 minutes",
  },
  // Clocks change at 02:45 standard time.
  {
    zone: "Pacific/Chatham",
    gap: "2026-09-26T14:00Z",
    overlap: "2026-04-04T14:00Z",
    local: "02:45 to 03:45",
  },
];

function around(at: string, minutes: number): [from: string, to: string] {
  const ms = Date.parse(at);
  return [new Date(ms - minutes * 60_000).toISOString(), new Date(ms + minutes * 60_000).toISOString()];
}

describe("when clocks are changed", () => {
  for (const { zone, gap, overlap } of CHANGES) {
    test(`${zone}: every 15 minutes stays every 15 minutes`, () => {
      for (const change of [gap, overlap]) {
        const [from, to] = around(change, 180);
        expect(times("*/15 * * * *", zone, from, to)).toEqual(quarters(from, to));
        expect(times("0 */15 * * * *", zone, from, to)).toEqual(quarters(from, to));
      }
    });

    test(`${zone}: a time that comes twice fires once, one that is left out fires when the clocks go on`, () => {
      for (const change of [gap, overlap]) {
        const [from, to] = around(change, 14 * 60);
        const shown = localTimeOf(Date.parse(change) - 1000, zone);
        const [hour, minute] = [shown.hour, 59 < shown.minute + 15 ? 50 : shown.minute];
        for (const cron of [`30 2 * * *`, `45 1 * * *`, `15 3 * * *`, `${minute} ${hour} * * *`])
          expect([cron, times(cron, zone, from, to).length]).toEqual([cron, 1]);
      }
    });
  }

  test("Berlin: 02:30 fires at 03:00 summer time when it is left out, and at the first 02:30 when it comes twice", () => {
    expect(times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T12:00Z")).toEqual(["01:00"]);
    expect(times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T12:00Z")).toEqual(["00:30"]);
  });

  test("several times that are left out fire once", () => {
    expect(times("*/15 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T12:00Z")).toEqual([
      "01:00",
    ]);
    expect(times("*/15 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T12:00Z")).toEqual([
      "00:00",
      "00:15",
      "00:30",
      "00:45",
    ]);
  });
});

describe("fields", () => {
  const next = (cron: string, from = "2026-01-05T09:30:00Z"): string => {
    const at = new Cron(cron).next(Date.parse(from), "UTC");
    return at === undefined ? "never" : new Date(at).toISOString().slice(0, 19);
  };

  test.each([
    ["* * * * *", "2026-01-05T09:31:00"],
    ["*/5 * * * *", "2026-01-05T09:35:00"],
    ["30 9 * * *", "2026-01-06T09:30:00"],
    ["*/10 * * * * *", "2026-01-05T09:30:10"],
    ["0 0 1 * *", "2026-02-01T00:00:00"],
    ["0 12 * * mon-fri", "2026-01-05T12:00:00"],
    ["0 12 * * sat,SUN", "2026-01-10T12:00:00"],
    ["0 12 * * 7", "2026-01-11T12:00:00"],
    ["0 12 * * mon-sun", "2026-01-05T12:00:00"],
    ["0 0 29 feb *", "2028-02-29T00:00:00"],
    // Either is enough where both are restricted.
    ["0 0 13 * fri", "2026-01-09T00:00:00"],
    ["0 0 13 * *", "2026-01-13T00:00:00"],
    ["5-20/5 9,10 * * *", "2026-01-05T10:05:00"],
    ["@daily", "2026-01-06T00:00:00"],
    ["@hourly", "2026-01-05T10:00:00"],
    ["  0   7  *  *  * ", "2026-01-06T07:00:00"],
  ])("%s comes next at %s", (cron, wanted) => {
    expect(next(cron)).toBe(wanted);
  });

  test.each([
    ["", /has 1 fields/],
    ["* * * *", /has 4 fields; it needs five, or six/],
    ["60 * * * *", /"60" as minute; write 0 to 59/],
    ["* 24 * * *", /"24" as hour/],
    ["* * 0 * *", /"0" as day of month/],
    ["* * * 13 *", /"13" as month/],
    ["* * * * 8", /"8" as day of week/],
    ["*/0 * * * *", /step "0" as minute/],
    ["5/10 * * * *", /a step needs \* or a range/],
    ["20-10 * * * *", /ends before it begins/],
    ["a * * * *", /"a" as minute/],
    ["1-2-3 * * * *", /"1-2-3" as minute/],
    ["-5 * * * *", /as minute/],
    ["0 0 30 2 *", /names a day that never comes/],
    ["0 0 31 4,6,9,11 *", /names a day that never comes/],
  ])("%s is refused", (cron, why) => {
    expect(() => new Cron(cron)).toThrow(why);
  });
});

test("gives the times that croner gives", () => {
  const zones = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata"];
  const field = (least: number, most: number): fc.Arbitrary<string> => {
    const value = fc.integer({ min: least, max: most });
    return fc.oneof(
      { arbitrary: fc.constant("*"), weight: 3 },
      value.map(String),
      fc.tuple(value, value).map(([a, b]) => `${a},${b}`),
      fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
      fc.integer({ min: 1, max: Math.min(most, 30) }).map((step) => `*/${step}`),
    );
  };
  const fields = fc.tuple(field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6));
  fc.assert(
    fc.property(
      fields,
      fc.constantFrom(...zones),
      fc.integer({ min: T0, max: T0 + YEAR_MS }),
      (parts, zone, ms) => {
        // Debian's cron takes a step of all days for all days, croner does not.
        fc.pre(!(parts[3].startsWith("*/") || parts[5].startsWith("*/")));
        const text = parts.join(" ");
        const peer = new Croner(text, { timezone: zone, paused: true });
        const wanted = peer.nextRun(new Date(ms))?.getTime();
        // It looks further ahead than eight years.
        fc.pre(wanted !== undefined && wanted < ms + 7 * YEAR_MS);
        // Where clocks change that day, the two have rules of their own.
        fc.pre(
          offsetMs(wanted - DAY_MS, zone) === offsetMs(wanted + DAY_MS, zone) &&
            offsetMs(ms, zone) === offsetMs(ms + DAY_MS, zone),
        );
        expect(new Date(new Cron(text).next(ms, zone) ?? 0).toISOString()).toBe(
          new Date(wanted).toISOString(),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test("a day that comes every 28 or 40 years comes again", () => {
  const sundays = new Cron("0 0 29 2 */7");
  const found: string[] = [];
  for (let at = sundays.next(T0, "UTC"); at !== undefined && found.length < 4; at = sundays.next(at, "UTC"))
    found.push(new Date(at).toISOString().slice(0, 10));
  expect(found).toEqual(["2032-02-29", "2060-02-29", "2088-02-29", "2128-02-29"]);
});
