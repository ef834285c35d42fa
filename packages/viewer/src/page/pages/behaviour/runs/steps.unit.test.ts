import { describe, expect, test } from "vitest";
import { distanceText, spanText } from "../../../parts/spans.ts";
import { pathOf } from "../words.ts";
import { allSteps, lineStates, placeOf, type Step } from "./steps.ts";

const step = (path: string, more: Partial<Step> = {}): Step => ({
  step: path,
  verb: "delay",
  about: "1 s",
  state: "done",
  conditions: [],
  ways: [],
  ...more,
});
const inner = step("effects[0].repeat#0[0]", { lines: { first: 2, last: 3 } });
const failed = step("effects[0].repeat#1[0]", { lines: { first: 2, last: 3 }, state: "failed" });
const outer = step("effects[0]", {
  lines: { first: 1, last: 3 },
  ways: [
    { label: "turn 1", isTaken: true, steps: [inner] },
    { label: "turn 2", isTaken: true, steps: [failed] },
  ],
});

describe("lineStates()", () => {
  test("has for each line what its innermost step came to, and of turns the worst", () => {
    expect([...lineStates(allSteps([outer]))]).toEqual([
      [1, "done"],
      [2, "failed"],
      [3, "failed"],
    ]);
  });
});

describe("placeOf()", () => {
  const run = { started_at: "2026-01-05T07:00:00.000Z", duration_ms: 10_000 } as Parameters<
    typeof placeOf
  >[1];
  test.each([
    [
      { began_at: "2026-01-05T07:00:05.000Z", ms: 2500 },
      { from: 50, width: 25 },
    ],
    [
      { began_at: "2026-01-05T07:00:05.000Z", state: "under-way" as const },
      { from: 50, width: 50 },
    ],
    [
      { began_at: "2026-01-05T08:00:00.000Z", ms: 99_999 },
      { from: 100, width: 0 },
    ],
    [
      { began_at: "2026-01-05T06:00:00.000Z", ms: 99_999_999 },
      { from: 0, width: 100 },
    ],
    [{}, undefined],
  ])("of %o is %o", (more, place) => {
    expect(placeOf(step("effects[0]", more), run)).toEqual(place);
  });
});

describe("words", () => {
  test.each([
    [250, "250 ms"],
    [1540, "1.5 s"],
    [200_000, "3m 20s"],
    [187_200_000, "2d 4h"],
    [3_600_000, "1h"],
  ])("spanText(%i)", (ms, text) => expect(spanText(ms)).toBe(text));

  test("a time that is none has no distance", () => {
    const nowMs = Date.UTC(2026, 0, 5, 7);
    expect(distanceText("2026-01-05T07:00:30.000Z", nowMs)).toBe("in 30 s");
    expect(distanceText("2026-01-05T06:00:00.000Z", nowMs)).toBe("1h ago");
    expect(distanceText("never", nowMs)).toBe("");
  });

  test("a name is one part of a path for each of its own, whatever it has", () => {
    expect(pathOf("/api/timers", "alpha/kit chen/a?b", "/pause")).toBe(
      "/api/timers/alpha/kit%20chen/a%3Fb/pause",
    );
  });
});
