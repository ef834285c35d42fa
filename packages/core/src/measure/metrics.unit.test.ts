import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { METRICS } from "./catalogue/bus-metrics.ts";
import { type Counted, Metrics, type MetricsSnapshot } from "./metrics.ts";
import { summarize } from "./metrics-summary.ts";
import { prometheusText } from "./prometheus.ts";

class Store {
  readonly stored: MetricsSnapshot[] = [];
  away = false;

  async storeMetrics(snapshot: MetricsSnapshot): Promise<void> {
    if (this.away) throw new Error("hub away");
    this.stored.push(snapshot);
  }

  /** Its content: the last snapshot of each hour. */
  kept(): MetricsSnapshot[] {
    return [...new Map(this.stored.map((snapshot) => [snapshot.hour, snapshot])).values()];
  }
}

describe("Metrics", () => {
  let store = new Store();
  let metrics: Metrics;
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse("2026-01-01T10:59:50Z") });
    store = new Store();
    metrics = new Metrics("alpha/kitchen", "i", store, new RecordingLog());
  });
  afterEach(async () => {
    await metrics.close();
    vi.useRealTimers();
  });

  test("store what has changed, every ten seconds, and nothing else", async () => {
    await vi.advanceTimersByTimeAsync(10_000);
    expect(store.stored).toEqual([]);
    metrics.count("published", ["ui.notify"]);
    metrics.count("published", ["ui.notify"]);
    metrics.observe("publishMs", 3);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(store.stored).toMatchObject([
      {
        node: "alpha/kitchen",
        instance: "i",
        counters: [["published", ["ui.notify"], 2]],
        histograms: [["publishMs", [], { count: 1, sum: 3 }]],
      },
    ]);
  });

  test("tell once a day that they have not ended, when there is nothing to count", async () => {
    metrics.count("published", ["a.b"]);
    await vi.advanceTimersByTimeAsync(10_000);
    await vi.advanceTimersByTimeAsync(24 * 3_600_000);
    expect(store.stored.map(({ hour, counters }) => [hour, counters.length])).toEqual([
      ["2026-01-01T10:00:00.000Z", 1],
      ["2026-01-02T11:00:00.000Z", 0],
    ]);
    expect(store.stored[1]?.totals).toEqual(store.stored[0]?.totals);
  });

  test("keep the hours apart, and lose none over the turn of one", async () => {
    metrics.count("published", ["a.b"]);
    await vi.advanceTimersByTimeAsync(10_000);
    metrics.count("published", ["a.b"]);
    await metrics.flush();
    expect(store.kept().map(({ hour, counters }) => [hour, counters[0]?.[2]])).toEqual([
      ["2026-01-01T10:00:00.000Z", 1],
      ["2026-01-01T11:00:00.000Z", 1],
    ]);
    expect(summarize(store.kept()).by_hour).toMatchObject({
      "2026-01-01T10:00:00.000Z": { published: 1 },
      "2026-01-01T11:00:00.000Z": { published: 1 },
    });
  });

  test("keep what cannot be stored for later, two days of it at most", async () => {
    store.away = true;
    for (let hour = 0; hour < 60; hour++) {
      metrics.count("published", ["a.b"]);
      await vi.advanceTimersByTimeAsync(3_600_000);
    }
    store.away = false;
    metrics.count("published", ["a.b"]);
    await metrics.flush();
    expect(summarize(store.kept()).published).toBe(49);
  });

  test("count types of errors without end together, however many come, each metric for itself", async () => {
    for (let i = 0; i < 2000; i++) {
      metrics.count("attemptsFailed", ["d", "unknown", `Error${i}`]);
      metrics.observe("handlingMs", 1, [`d${i}`]);
    }
    metrics.count("published", ["a.b"]);
    await metrics.flush();
    const [snapshot] = store.kept();
    expect(snapshot?.counters).toHaveLength(502);
    expect(snapshot?.histograms).toHaveLength(501);
    expect(summarize(store.kept())).toMatchObject({
      published: 1,
      by_category: { unknown: 500, other: 1500 },
      handling_ms: { count: 2000 },
    });
  });

  test("lose nothing when the hour turns while they are being stored in vain", async () => {
    metrics.count("published", ["a.b"]);
    let fails = (_: Error): void => undefined;
    vi.spyOn(store, "storeMetrics").mockReturnValueOnce(
      new Promise((_, reject) => {
        fails = reject;
      }),
    );
    const flushing = metrics.flush();
    await vi.advanceTimersByTimeAsync(20_000);
    metrics.count("published", ["a.b"]);
    fails(new Error("hub away"));
    await flushing;
    await metrics.flush();
    expect(summarize(store.kept())).toMatchObject({ published: 2 });
    expect(store.kept()).toHaveLength(2);
  });

  test("tell what was counted since the beginning, whatever hours are gone", async () => {
    for (let hour = 0; hour < 3; hour++) {
      metrics.count("published", ["a.b"]);
      metrics.observe("publishMs", 7);
      await vi.advanceTimersByTimeAsync(3_600_000);
    }
    const text = prometheusText(store.kept().slice(-1));
    expect(text).toContain('adaos_events_published_total{node="alpha/kitchen",process="i",event="a.b"} 3\n');
    expect(text).toContain('adaos_publish_duration_seconds_count{node="alpha/kitchen",process="i"} 3\n');
    expect(prometheusText(store.kept())).toBe(text);
  });
});

describe("summarize() and prometheusText()", () => {
  const counted: Counted = {
    counters: [
      ["settled", ["d", "success"], 3],
      ["settled", ["d", "success_after_retry"], 1],
      ["settled", ["d", "failed"], 1],
      ["settled", ["d", "dead_letter"], 1],
      ["attemptsFailed", ["d", "transient", 'Odd"Error\n'], 3],
    ],
    histograms: [
      [
        "handlingMs",
        ["d"],
        {
          count: 2,
          sum: 600,
          min: 100,
          max: 500,
          buckets: [
            [49, 1],
            [66, 1],
          ],
        },
      ],
    ],
  };
  const snapshot: MetricsSnapshot = {
    node: "alpha/kitchen",
    instance: "i",
    hour: "2026-01-01T10:00:00.000Z",
    ...counted,
    totals: counted,
  };

  test("add up processes", () => {
    const other = { ...snapshot, instance: "j" };
    expect(summarize([snapshot, other])).toMatchObject({
      outcomes: { total: 12, success: 8, failed: 2, dead_letter: 2 },
      handling_ms: { count: 4, min: 100, max: 500, avg: 300 },
    });
    for (const process of ["i", "j"]) {
      expect(prometheusText([snapshot, other])).toContain(
        `adaos_events_settled_total{node="alpha/kitchen",process="${process}",durable="d",outcome="success"} 3\n`,
      );
    }
  });

  test("tell nothing of nothing", () => {
    expect(summarize([])).toMatchObject({
      outcomes: { total: 0 },
      handling_ms: { count: 0, avg: 0, p95: 0 },
    });
    expect(prometheusText([]).match(/# TYPE/g)).toHaveLength(Object.keys(METRICS).length);
  });

  test("escape what may stand in a label, and tell seconds", () => {
    const text = prometheusText([snapshot]);
    expect(text).toContain('type="Odd\\"Error\\n"} 3\n');
    expect(text).toContain(
      'adaos_handling_duration_seconds_sum{node="alpha/kitchen",process="i",durable="d"} 0.6\n',
    );
    expect(text).toContain('durable="d",le="0.25"} 1\n');
    expect(text).toContain('durable="d",le="+Inf"} 2\n');
  });
});
