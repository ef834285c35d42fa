import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import { parseDuration, parseTime } from "./parse-time.ts";

describe("parseDuration()", () => {
  test("knows seconds, minutes, hours and days", () => {
    expect(["30s", "10m", "2h", "7d"].map(parseDuration)).toEqual([30_000, 600_000, 7_200_000, 604_800_000]);
    for (const text of ["", "30", "h", "-1h", "1w", "1.5h"])
      expect(() => parseDuration(text), text).toThrow(InvalidArgumentError);
  });
});

describe("parseTime()", () => {
  test("takes a time, or so long ago", () => {
    expect(parseTime("2026-01-05T09:30:00Z")).toBe(Date.UTC(2026, 0, 5, 9, 30));
    expect(parseTime("2026-01-05T09:30:00.250+01:00")).toBe(Date.UTC(2026, 0, 5, 8, 30, 0, 250));
    expect(Math.abs(parseTime("2h") - (Date.now() - 7_200_000))).toBeLessThan(10_000);
  });

  test("refuses what is no time, or one that does not exist", () => {
    for (const text of [
      "yesterday",
      "2026-01-05",
      "2026-01-05T09:30:00",
      "2026-02-30T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-01-05T25:00:00Z",
    ])
      expect(() => parseTime(text), text).toThrow(InvalidArgumentError);
  });
});
