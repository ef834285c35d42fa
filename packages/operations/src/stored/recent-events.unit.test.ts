import { describe, expect, test } from "vitest";
import { recentEvent } from "./recent-events.ts";

const ENVELOPE = {
  event_id: "EVT-20260105-093000-0123456789ab",
  event_name: "ui.notify",
  version: 1,
  kind: "event",
  ts: "2026-01-05T09:30:00.000Z",
  source: "app@kitchen",
  correlation_id: "EVT-20260105-093000-0123456789ab",
  tenant: "default",
  headers: {},
  data: { text: "x" },
};
const stored = (body: string, subject = "evt.alpha.kitchen.ui.notify.v1") => ({
  seq: 5,
  subject,
  storedAt: "2026-01-05T09:30:00.002Z",
  body: new TextEncoder().encode(body),
});

describe("recentEvent()", () => {
  test("names the publisher as its server has authenticated it", () => {
    const text = JSON.stringify(ENVELOPE);
    expect(recentEvent("beta", stored(text))).toEqual({
      at: "beta",
      seq: 5,
      event_id: ENVELOPE.event_id,
      event_name: "ui.notify",
      version: 1,
      correlation_id: ENVELOPE.correlation_id,
      from: "alpha/kitchen",
      stored_at: "2026-01-05T09:30:00.002Z",
      published_at: ENVELOPE.ts,
      bytes: text.length,
    });
  });

  test("leaves out what is no event", () => {
    expect(recentEvent("beta", stored("{}"))).toBeUndefined();
    expect(recentEvent("beta", stored("nonsense"))).toBeUndefined();
    expect(recentEvent("beta", stored(JSON.stringify(ENVELOPE), "other.subject"))).toBeUndefined();
  });
});
