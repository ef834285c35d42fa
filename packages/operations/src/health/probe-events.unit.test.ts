import { describe, expect, test } from "vitest";
import { probeEventOf } from "./probe-events.ts";

const TS = "2026-01-05T09:30:00.000Z";
const event = (name: string, data: unknown) => {
  return { event_id: "EVT-20260105-093000-0123456789ab", event_name: `infra.database.${name}`, ts: TS, data };
};

describe("probeEventOf()", () => {
  test("tells a failure with its retries, and when it was", () => {
    const data = { probe: "db", environment: "staging", database_type: "redis", error_message: "refused" };
    expect(probeEventOf("alpha/kitchen", event("connection.failed", data))).toEqual({
      at: TS,
      event_id: "EVT-20260105-093000-0123456789ab",
      node: "alpha/kitchen",
      probe: "db",
      environment: "staging",
      database_type: "redis",
      change: "failed",
      latency_ms: null,
      retry_count: 0,
      error_message: "refused",
    });
  });

  test("tells a health check by its status, at its own time", () => {
    const data = { status: "degraded", latency_ms: 150, timestamp: "2026-01-05T09:29:59Z" };
    expect(probeEventOf("alpha/kitchen", event("health.checked", data))).toMatchObject({
      change: "degraded",
      latency_ms: 150,
      at: "2026-01-05T09:29:59.000Z",
      retry_count: null,
    });
  });

  test.each([
    ["another event", event("table.dropped", {})],
    ["an unknown status", event("health.checked", { status: "fine" })],
    ["no object", event("connection.failed", "x")],
  ])("tells nothing of %s", (_, one) => {
    expect(probeEventOf("alpha/kitchen", one)).toBeUndefined();
  });

  test("a time that is none is the event's own", () => {
    const told = probeEventOf("a/b", event("connection.established", { timestamp: "soon" }));
    expect(told?.at).toBe(TS);
  });
});
