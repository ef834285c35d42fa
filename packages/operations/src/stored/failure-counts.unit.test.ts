import type { DeadLetter, ProcessingRecord } from "@adaos/core/wire";
import { describe, expect, test } from "vitest";
import { FailureCounts } from "./failure-counts.ts";

function record(status: ProcessingRecord["status"], second: number, message?: string): ProcessingRecord {
  return {
    event_id: `EVT-20260105-0930${second}-0123456789ab`,
    timestamp: `2026-01-05T09:30:${second}.000Z`,
    event_type: "ui.notify",
    source: "app@kitchen",
    node: "beta/desk",
    durable: "screen",
    stream: "EVENTS_beta",
    seq: second,
    status,
    ...(message === undefined
      ? {}
      : { error_info: { category: "transient", message, type: "Error", stacktrace: "", context: {} } }),
    recovery_actions: [],
  };
}

function letter(category: DeadLetter["category"], second: number): DeadLetter {
  return {
    dead_letter_id: `DLQ-EVENTS_beta-${second}-desk.screen`,
    at: `2026-01-05T09:30:${second}.000Z`,
    category,
    rule: "none",
    error: { type: "Error", message: "as a letter", stack: "" },
    attempts: [],
    delivery_count: 1,
    node: "beta/desk",
    durable: "screen",
    stream: "EVENTS_beta",
    seq: second,
    subject: "evt.alpha.kitchen.ui.notify.v1",
    event_id: "",
    event_name: "ui.notify",
    correlation_id: "",
    message: { headers: {}, body_base64: "" },
  };
}

describe("FailureCounts", () => {
  test("counts nothing of nothing", () => {
    expect(new FailureCounts().counted()).toEqual({
      records: { retrying: 0, success: 0, failed: 0, dead_letter: 0 },
      dead_letters: { transient: 0, permanent: 0, unknown: 0 },
      parked: 0,
      parked_events: 0,
      retry_candidates: { transient: 0, unknown: 0 },
      newest_failure: null,
    });
  });

  test("counts by status and category; permanent failures are no candidates", () => {
    const counts = new FailureCounts();
    for (const status of ["retrying", "failed", "failed", "dead_letter", "success", "pending"] as const) {
      counts.addRecord(record(status, 10));
    }
    for (const category of ["transient", "transient", "permanent", "unknown"] as const) {
      counts.addDeadLetter(letter(category, 10));
    }
    expect(counts.counted()).toMatchObject({
      records: { retrying: 1, success: 1, failed: 2, dead_letter: 1 },
      dead_letters: { transient: 2, permanent: 1, unknown: 1 },
      retry_candidates: { transient: 2, unknown: 1 },
    });
  });

  test("the newest failure is the newest of either, and no success", () => {
    const counts = new FailureCounts();
    counts.addRecord(record("failed", 20, "first"));
    counts.addRecord(record("dead_letter", 30, "newest"));
    counts.addRecord(record("success", 40, "was cured"));
    counts.addDeadLetter(letter("permanent", 25));
    expect(counts.counted().newest_failure).toMatchObject({ message: "newest", status: "dead_letter" });
    counts.addDeadLetter(letter("permanent", 35));
    expect(counts.counted().newest_failure).toMatchObject({ message: "as a letter", status: "failed" });
  });

  test("what somebody made up does not count", () => {
    const counts = new FailureCounts();
    counts.addRecord({ ...record("failed", 10), status: "constructor" as "failed" });
    counts.addDeadLetter({ ...letter("unknown", 10), category: "toString" as "unknown" });
    expect(counts.counted()).toMatchObject({
      records: { retrying: 0, success: 0, failed: 0, dead_letter: 0 },
      dead_letters: { transient: 0, permanent: 0, unknown: 0 },
    });
  });
});
