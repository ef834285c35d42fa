import { describe, expect, test } from "vitest";
import { UnaskedWatch } from "./unasked.ts";

/** Sends so many messages at a time; returns the pause that results. */
function flood(watch: UnaskedWatch, count: number, bytes: number, nowMs: number): number | undefined {
  for (let i = 0; i < count; i++) {
    const pauseMs = watch.note(bytes, nowMs);
    if (pauseMs !== undefined) return pauseMs;
  }
  return undefined;
}

describe("UnaskedWatch", () => {
  test("lets a hundred a second pass for an accident, for as long as you like", () => {
    const watch = new UnaskedWatch();
    for (let second = 0; second < 100; second++) {
      expect(flood(watch, 100, 1000, second * 1001)).toBeUndefined();
    }
    expect(watch.total).toBe(10_000);
  });

  test.each([
    ["messages", 101, 1],
    ["bytes", 9, 1_000_000],
  ])("pauses who sends too many %s in a second", (_, count, bytes) => {
    expect(flood(new UnaskedWatch(), count, bytes, 0)).toBe(5000);
  });

  test("pauses longer each time, to a minute at most, and begins anew after a quiet minute", () => {
    const watch = new UnaskedWatch();
    let nowMs = 0;
    const pauses: number[] = [];
    for (let i = 0; i < 6; i++) {
      const pauseMs = flood(watch, 200, 1, nowMs) ?? 0;
      pauses.push(pauseMs);
      nowMs += pauseMs + 100;
    }
    expect(pauses).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    expect(flood(watch, 200, 1, nowMs + 60_001)).toBe(5000);
  });
});
