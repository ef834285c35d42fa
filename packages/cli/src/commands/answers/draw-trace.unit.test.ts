import type { TracedEvent } from "@adaos/operations";
import { describe, expect, test } from "vitest";
import { drawTrace } from "./draw-trace.ts";

const EVENT: TracedEvent = {
  event_id: "EVT-1",
  event_name: "ui.notify",
  version: 1,
  subject: "evt.alpha.kitchen.ui.notify.v1",
  kind: "event",
  source: "app@kitchen",
  from: "alpha/kitchen",
  published_at: "2026-01-05T09:30:00.000Z",
  hops: [{ of: "alpha", stream: "EVENTS_alpha", seq: 5, stored_at: "2026-01-05T09:30:00.002Z", after_ms: 2 }],
  handlings: [],
  on_its_way: [{ link: "up alpha", waiting: 3 }],
  caused: [],
};

describe("drawTrace()", () => {
  test("a line for each thing that is known, what was caused below", () => {
    const child: TracedEvent = {
      ...EVENT,
      event_id: "EVT-2",
      on_its_way: [],
      handlings: [
        {
          durable: "alpha/speaker/voice",
          state: "retrying",
          at: "2026-01-05T09:30:01.000Z",
          failures: 1,
          next_retry_at: "2026-01-05T09:30:03.000Z",
          error: { category: "transient", message: "busy\nvery" },
        },
      ],
    };
    const lines = drawTrace({ correlation_id: "EVT-1", events: 2, roots: [{ ...EVENT, caused: [child] }] });
    expect(lines).toEqual([
      "EVT-1: 2 events",
      "2026-01-05T09:30:00.000Z  ui.notify@1  EVT-1  from alpha/kitchen",
      "├ EVENTS_alpha 5  +2 ms",
      "├ on its way: link up alpha, 3 waiting",
      "└─ 2026-01-05T09:30:00.000Z  ui.notify@1  EVT-2  from alpha/kitchen",
      "   ├ EVENTS_alpha 5  +2 ms",
      "   └ alpha/speaker/voice retrying  2026-01-05T09:30:01.000Z  1 failed attempt  next at 2026-01-05T09:30:03.000Z  transient: busy",
    ]);
  });

  test("the timer that fired it, and when it was due", () => {
    const timer = { name: "morning", scheduled_at: "2026-01-05T09:30:00.000Z", fire: "late" };
    const event = { ...EVENT, timer, on_its_way: [] };
    expect(drawTrace({ correlation_id: "EVT-1", events: 1, roots: [event] })[2]).toBe(
      "├ timer morning  due 2026-01-05T09:30:00.000Z  late",
    );
  });

  test("what a writer has chosen looks like no line of ours", () => {
    const hostile = "a\n└ beta/desk/screen handled";
    const event = { ...EVENT, event_id: hostile, event_name: hostile, on_its_way: [] };
    const lines = drawTrace({ correlation_id: hostile, events: 1, roots: [event] });
    expect(lines.length).toBe(3);
    expect(lines.join("").includes("\n")).toBe(false);
  });
});
