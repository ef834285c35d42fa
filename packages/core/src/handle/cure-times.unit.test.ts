import { describe, expect, test } from "vitest";
import { NonRetryableError, RetryableError } from "./classify.ts";
import { CureTimes, kindOfFailure, RunCures } from "./cure-times.ts";

const NOW_MS = Date.parse("2026-01-05T10:00:00Z");
const HOUR_MS = 3_600_000;

/** Attempts that failed so many milliseconds after the first, and the waits after them. */
function past(failedMs: readonly number[], waitsMs: readonly number[]) {
  return {
    attempts: failedMs.map((ms) => ({ at: new Date(NOW_MS + ms).toISOString() })),
    actions: waitsMs.map((ms) => ({ backoff_seconds: ms / 1000 })),
  };
}

describe("CureTimes", () => {
  test("takes the middle between the last attempt that failed and the one that did not", () => {
    const cures = new CureTimes();
    cures.passed("a", past([0, 2000], [2000, 4000]), NOW_MS);
    cures.passed("a", past([0], [1000]), NOW_MS);
    expect(cures.of("a", NOW_MS).tookMs).toEqual([500, 4000]);
    expect(cures.of("b", NOW_MS).tookMs).toEqual([]);
  });

  test("takes twice the time of what did not pass at all", () => {
    const cures = new CureTimes();
    cures.lasted("a", past([0, 2000], [2000]), NOW_MS + 6000);
    expect(cures.of("a", NOW_MS + 6000).tookMs).toEqual([12_000]);
  });

  test("forgets after an hour, and beyond a hundred", () => {
    const cures = new CureTimes();
    for (let i = 1; i <= 150; i++) cures.passed("a", past([0], [i * 1000]), NOW_MS + i);
    expect(cures.of("a", NOW_MS + 150).tookMs).toHaveLength(100);
    expect(cures.of("a", NOW_MS + 150 + HOUR_MS).tookMs).toEqual([75_000]);
    expect(cures.of("a", NOW_MS + 151 + HOUR_MS).tookMs).toEqual([]);
  });

  test("keeps a bounded number of kinds", () => {
    const cures = new CureTimes();
    for (let i = 0; i < 1000; i++) cures.passed(`kind ${i}`, past([0], [1000]), NOW_MS);
    const known = Array.from({ length: 1000 }, (_, i) => cures.of(`kind ${i}`, NOW_MS).tookMs.length);
    expect(known.filter((count) => count > 0).length).toBeLessThanOrEqual(100);
    expect(known.at(-1)).toBe(1);
  });
});

describe("kindOfFailure()", () => {
  test("tells errors apart by what they are and what classified them", () => {
    const kinds = [new RetryableError("x"), new NonRetryableError("x")].map((error) =>
      kindOfFailure(error, { category: "transient", rule: "typed" }),
    );
    expect(kinds).toEqual(["RetryableError (typed)", "NonRetryableError (typed)"]);
  });
});

describe("RunCures", () => {
  test("keeps what runs of one name have taught apart from others", () => {
    const runs = new RunCures();
    runs.of("a").passed("kind", past([0], [1000]), NOW_MS);
    expect([runs.of("a"), runs.of("b")].map((one) => one.of("kind", NOW_MS).tookMs)).toEqual([[500], []]);
  });
});
