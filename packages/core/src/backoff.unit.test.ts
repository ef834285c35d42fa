import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

describe("backoffMs()", () => {
  test("doubles from 2 s and stops at a minute", () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 100].map((attempt) => backoffMs(attempt, 0.5));
    expect(waits).toEqual([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  test("spreads by a fifth to either side", () => {
    expect([0, 0.5, 1].map((random) => backoffMs(1, random))).toEqual([1600, 2000, 2400]);
  });

  test("stops at the limit that is given", () => {
    expect(backoffMs(10, 0.5, 5000)).toBe(5000);
  });

  test("is a whole number of milliseconds above 0 at every attempt", () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const waitMs = backoffMs(attempt, random);
        expect(Number.isInteger(waitMs) && waitMs > 0 && waitMs <= 72_000).toBe(true);
      }),
    );
  });
});
