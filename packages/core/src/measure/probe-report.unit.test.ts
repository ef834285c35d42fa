import { beforeEach, describe, expect, test } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { Metrics, type MetricsSnapshot } from "./metrics.ts";
import { type ProbeReport, standingProbes, type TakenSnapshot } from "./probe-report.ts";

function report(probe: string, more: Partial<ProbeReport> = {}): ProbeReport {
  return {
    probe,
    environment: "local",
    database_type: "tcp",
    app: "adaos-app",
    interval_ms: 30_000,
    connection: "established",
    status: "healthy",
    is_healthy: true,
    requires_alert: false,
    latency_ms: 2,
    since: null,
    looked_at: null,
    retry_count: 0,
    error_message: null,
    unpublished: null,
    ...more,
  };
}

const NOTHING = { counters: [], histograms: [] };

function taken(instance: string, takenMs: number, ...probes: readonly ProbeReport[]): TakenSnapshot {
  const hour = "2026-01-01T00:00:00.000Z";
  return {
    takenMs,
    snapshot: { node: "alpha/kitchen", instance, hour, ...NOTHING, totals: NOTHING, probes },
  };
}

describe("standingProbes()", () => {
  test("are of each process what it has reported last", () => {
    const ill = report("db", { status: "unhealthy" });
    const standing = standingProbes(
      [taken("a", 0, report("db")), taken("b", 0, report("db")), taken("a", 9, ill)],
      9,
    );
    expect(standing.map(({ node, status }) => [node, status])).toEqual([
      ["alpha/kitchen", "unhealthy"],
      ["alpha/kitchen", "healthy"],
    ]);
  });

  test("are none of a process that has stopped its probes, or that has been silent for some looks", () => {
    expect(standingProbes([taken("a", 0, report("db")), taken("a", 9)], 9)).toEqual([]);
    const told = taken(
      "a",
      0,
      report("often", { interval_ms: 1000 }),
      report("rarely", { interval_ms: 600_000 }),
    );
    expect(standingProbes([told], 70_000).map(({ probe }) => probe)).toEqual(["rarely"]);
    expect(standingProbes([told], 1_900_000)).toEqual([]);
  });
});

describe("Metrics.reportProbes()", () => {
  let stored: MetricsSnapshot[];
  let probes: ProbeReport[];
  let metrics: Metrics;
  beforeEach(() => {
    stored = [];
    probes = [];
    const store = { storeMetrics: async (snapshot: MetricsSnapshot) => void stored.push(snapshot) };
    metrics = new Metrics("alpha/kitchen", "i", store, new RecordingLog());
    metrics.reportProbes(() => probes);
  });

  test("has each snapshot tell them, and one that they are gone", async () => {
    probes = [report("db")];
    metrics.count("probeLooks", ["db", "local", "tcp", "healthy"]);
    await metrics.flush();
    await metrics.flush();
    probes = [];
    await metrics.close();
    expect(stored.map((snapshot) => snapshot.probes?.map(({ probe }) => probe))).toEqual([["db"], undefined]);
  });

  test("is bounded, whatever is probed and however it fails", async () => {
    probes = Array.from({ length: 1000 }, (_, i) => report(`p${i}`, { error_message: "x".repeat(16_000) }));
    metrics.count("probeLooks", ["db", "local", "tcp", "failed"]);
    await metrics.flush();
    expect(stored[0]?.probes).toHaveLength(200);
    expect(JSON.stringify(stored).length).toBeLessThan(200_000);
    await metrics.close();
  });
});
