import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countUpTo, EMPTY_HISTOGRAM, Histogram, mergeHistograms, quantile } from "./histogram.ts";

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.observe(value);
  return histogram;
}

const values = fc.array(fc.double({ min: 1, max: 3_600_000, noNaN: true }), { minLength: 1, maxLength: 200 });

describe("Histogram", () => {
  test("keeps count, sum and the extremes as they are", () => {
    expect(histogramOf([5, 0.2, 5000]).snapshot()).toMatchObject({
      count: 3,
      sum: 5005.2,
      min: 0.2,
      max: 5000,
    });
    expect(new Histogram().snapshot()).toEqual(EMPTY_HISTOGRAM);
  });

  test("finds a quantile to 5 %, for any values", () => {
    fc.assert(
      fc.property(values, fc.constantFrom(0, 0.5, 0.95, 0.99, 1), (all, q) => {
        const sorted = all.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(q * all.length)) - 1] ?? 0;
        const found = quantile(histogramOf(all).snapshot(), q);
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.05);
      }),
    );
    expect(quantile(EMPTY_HISTOGRAM, 0.5)).toBe(0);
  });

  test("adds up as if all values had come to one", () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const merged = mergeHistograms(histogramOf(a).snapshot(), histogramOf(b).snapshot());
        const one = histogramOf([...a, ...b]).snapshot();
        expect(merged).toEqual({ ...one, sum: expect.closeTo(one.sum, 3) });
        expect(mergeHistograms(EMPTY_HISTOGRAM, merged)).toEqual(merged);
        expect(mergeHistograms(merged, EMPTY_HISTOGRAM)).toEqual(merged);
      }),
    );
  });

  test("counts what is at most a limit", () => {
    const snapshot = histogramOf([1, 10, 100, 1000]).snapshot();
    expect([0.5, 5, 50, 500, 5000].map((limit) => countUpTo(snapshot, limit))).toEqual([0, 1, 2, 3, 4]);
  });
});
