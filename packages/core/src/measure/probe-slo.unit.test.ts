import { describe, expect, test } from "vitest";
import type { MetricId } from "./catalogue/bus-metrics.ts";
import { Histogram } from "./histogram.ts";
import type { MetricsSnapshot } from "./metrics.ts";
import { probeSlos } from "./probe-slo.ts";

const LABELS = ["orders-db", "production", "postgresql"];
const NOTHING = { counters: [], histograms: [] };

/** An hour of a process: the answers in milliseconds, and how many looks had none. */
function hourOf(hour: string, instance: string, answersMs: readonly number[], failed = 0): MetricsSnapshot {
  const histogram = new Histogram();
  for (const ms of answersMs) histogram.observe(ms);
  return {
    node: "alpha/kitchen",
    instance,
    hour,
    totals: NOTHING,
    counters: [
      ["probeLooks", [...LABELS, "healthy"], answersMs.length],
      ["probeLooks", [...LABELS, "failed"], failed],
      ["published" satisfies MetricId, ["ui.notify"], 7],
    ],
    histograms: [["probeMs", LABELS, histogram.snapshot()]],
  };
}
const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

describe("probeSlos()", () => {
  test("adds up hours and processes, and tells P95 of each hour", () => {
    const [slo, ...others] = probeSlos([
      hourOf("2026-01-05T10:00:00.000Z", "b", times(100, 50)),
      hourOf("2026-01-05T09:00:00.000Z", "a", [...times(90, 10), ...times(10, 400)]),
    ]);
    expect(others).toEqual([]);
    expect(slo).toMatchObject({
      node: "alpha/kitchen",
      probe: "orders-db",
      looks: 200,
      good: 190,
      failed: 0,
    });
    const hours = Object.entries(slo?.by_hour ?? {});
    expect(hours.map(([hour]) => hour.slice(11, 13))).toEqual(["09", "10"]);
    // Exact to 5 %.
    const [late = 0, early = 0] = hours.map(([, { p95_ms }]) => p95_ms ?? 0);
    expect([Math.abs(late / 400 - 1) < 0.06, Math.abs(early / 50 - 1) < 0.06]).toEqual([true, true]);
  });

  test("what is exactly allowed spends the budget, and no more", () => {
    const [slo] = probeSlos([hourOf("2026-01-05T09:00:00.000Z", "a", [...times(95, 10), ...times(5, 900)])]);
    expect(slo).toMatchObject({ attained: 0.95, met: true });
    expect(slo?.budget_left).toBeCloseTo(0, 9);
  });

  test("a look without an answer is as bad as a late one, and no latency", () => {
    const [slo] = probeSlos([hourOf("2026-01-05T09:00:00.000Z", "a", times(9, 10), 1)]);
    expect(slo).toMatchObject({ looks: 10, failed: 1, good: 9, attained: 0.9, met: false });
    expect(slo?.budget_left).toBeCloseTo(-1, 9);
    expect(slo?.p95_ms).toBeCloseTo(10, 0);
  });

  test("knows no latency where nothing was answered, and nothing of no probe", () => {
    const [slo] = probeSlos([hourOf("2026-01-05T09:00:00.000Z", "a", [], 3)]);
    expect(slo).toMatchObject({ p95_ms: null, good: 0, met: false });
    expect(probeSlos([])).toEqual([]);
  });
});
