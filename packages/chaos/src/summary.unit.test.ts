import { describe, expect, test } from "vitest";
import type { Balance } from "./book/check-book.ts";
import type { FaultSample } from "./inject.ts";
import { stressSummary } from "./stress.ts";
import { isPassed, reportOf, summaryOf } from "./summary.ts";
import type { Witnessed } from "./witness/witness.ts";

const BALANCE: Balance = {
  published: 10,
  unanswered: 0,
  effects: 10,
  lost: [],
  doubled: [],
  reordered: [],
  dead: [],
  pending: [],
};
const WITNESSED: Witnessed = {
  logs: { lines: 100, torn: 0, starts: 4, missing: 0 },
  memory: { first_mb: 500, last_mb: 510 },
};
const sample = (change: Partial<FaultSample>): FaultSample => ({
  at: "2026-01-05T09:30:00.000Z",
  iteration: 1,
  fault: "kill",
  target: "alpha/hub",
  detail: "alpha/hub (1) killed",
  held_ms: 100,
  flow_ms: 1000,
  ready_ms: 2000,
  unready: [],
  ...change,
});

describe("summaryOf()", () => {
  test("takes the mean and the longest of what has recovered, and counts the rest", () => {
    const samples = [
      sample({}),
      sample({ flow_ms: 3000 }),
      sample({ flow_ms: null, unready: ["no event flows"] }),
      sample({ detail: "not done: no server", flow_ms: null }),
    ];
    expect(summaryOf(7, samples, BALANCE, WITNESSED)).toMatchObject({
      faults: 3,
      not_done: 1,
      interventions: 1,
      mean_recovery_ms: 2000,
      max_recovery_ms: 3000,
    });
  });
});

describe("isPassed()", () => {
  const summary = summaryOf(7, [sample({})], BALANCE, WITNESSED);
  test("is true when nothing is wrong", () => expect(isPassed(summary)).toBe(true));
  test.each(["lost", "doubled", "reordered", "dead", "pending"] as const)("is false with one %s", (what) => {
    expect(isPassed({ ...summary, [what]: ["id"] })).toBe(false);
  });
  test.each([
    { logs: { lines: 100, torn: 1, starts: 4, missing: 0 } },
    { logs: { lines: 100, torn: 0, starts: 4, missing: 1 } },
    { memory: { first_mb: 500, last_mb: 900 } },
  ])("is false with %o", (change) => expect(isPassed({ ...summary, ...change })).toBe(false));
  test("is true where the machine does not tell of memory", () =>
    expect(isPassed({ ...summary, memory: null })).toBe(true));
  test("is false when somebody had to act", () =>
    expect(isPassed({ ...summary, interventions: 1 })).toBe(false));
});

describe("reportOf()", () => {
  test("has a row for each fault, whatever its text holds", () => {
    const samples = [sample({}), sample({ detail: "a | b\nc", unready: ["node root: gone"] })];
    const report = reportOf(summaryOf(7, samples, BALANCE, WITNESSED), samples);
    expect(report).toContain("did not keep");
    expect(report).toContain("a \\| b c");
    expect(report.split("\n").filter((line) => line.startsWith("| 1 |"))).toHaveLength(2);
  });
});

describe("stressSummary()", () => {
  test("counts by status, and tells those that gave no answer", () => {
    const at = "2026-01-05T09:30:00.000Z";
    const samples = [
      { at, node: "root", status: 200, ms: 1 },
      { at, node: "root", status: 503, ms: 3 },
      { at, node: "root", status: null, ms: 2 },
    ];
    expect(stressSummary(samples)).toEqual({
      samples: 3,
      statuses: { "200": 1, "503": 1, none: 1 },
      mean_ms: 2,
      max_ms: 3,
    });
    expect(stressSummary([])).toEqual({ samples: 0, statuses: {}, mean_ms: 0, max_ms: 0 });
  });
});
