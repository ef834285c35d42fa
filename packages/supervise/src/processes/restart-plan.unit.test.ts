import { describe, expect, test } from "vitest";
import { isForgiven, nextRestart } from "./restart-plan.ts";

const SHORT = { ordered: false, ranMs: 1000, wasWell: false };

describe("nextRestart()", () => {
  test("comes quickly at first, and every 10 s from the fourth failure on", () => {
    const plans = [0, 1, 2, 3, 4].map((before) => nextRestart(SHORT, before));
    expect(plans.map(({ failures }) => failures)).toEqual([1, 2, 3, 4, 5]);
    expect(plans.map(({ pauseMs }) => pauseMs)).toEqual([200, 400, 800, 10_000, 10_000]);
  });

  test("begins anew after a run that lasted and was well", () => {
    expect(nextRestart({ ordered: false, ranMs: 10_000, wasWell: true }, 7).failures).toBe(1);
    expect(nextRestart({ ordered: false, ranMs: 60_000, wasWell: false }, 7).failures).toBe(8);
    // The fault began some seconds before the process was ended.
    expect(nextRestart({ ordered: true, ranMs: 20_000, wasWell: true }, 7).failures).toBe(8);
    expect(nextRestart({ ordered: true, ranMs: 60_000, wasWell: true }, 7).failures).toBe(1);
  });
});

describe("isForgiven()", () => {
  test("waits for a minute", () => {
    expect([isForgiven(59_999), isForgiven(60_000)]).toEqual([false, true]);
  });
});
