import { describe, expect, test } from "vitest";
import { mergeCounted } from "./merge-counted.ts";
import type { Counted } from "./metrics.ts";

const one: Counted = {
  counters: [["published", ["a"], 2]],
  histograms: [["retries", ["d"], { count: 1, sum: 2, min: 2, max: 2, buckets: [[8, 1]] }]],
};

describe("mergeCounted()", () => {
  test("adds up series by series", () => {
    const other: Counted = {
      counters: [
        ["published", ["a"], 1],
        ["published", ["b"], 4],
      ],
      histograms: one.histograms,
    };
    expect(mergeCounted([one, other])).toEqual({
      counters: [
        ["published", ["a"], 3],
        ["published", ["b"], 4],
      ],
      histograms: [["retries", ["d"], { count: 2, sum: 4, min: 2, max: 2, buckets: [[8, 2]] }]],
    });
  });

  test("counts the rest together when there are too many, each metric for itself", () => {
    const many: Counted = {
      counters: Array.from({ length: 600 }, (_, i) => ["published", [`e${i}`], 1] as const),
      histograms: [],
    };
    const { counters } = mergeCounted([many, many, { ...one, histograms: [] }]);
    expect(counters.reduce((sum, [, , count]) => sum + count, 0)).toBe(1202);
    expect(counters).toHaveLength(501);
    expect(counters.at(-1)).toEqual(["published", ["other"], 202]);
  });
});
