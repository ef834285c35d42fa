import { describe, expect, test } from "vitest";
import type { EventTrace } from "../../../api/event.ts";
import { extentOf, traceRows } from "./trace-rows.ts";

type Traced = EventTrace["trace"]["roots"][number];

const at = (ms: number): string => new Date(1_767_600_000_000 + ms).toISOString();
const event = (id: string, of: Partial<Traced>): Traced => ({
  event_id: id,
  event_name: "ui.notify",
  version: 1,
  subject: "evt.alpha.kitchen.ui.notify.v1",
  kind: "event",
  source: "app@kitchen",
  from: "alpha/kitchen",
  published_at: at(0),
  hops: [],
  handlings: [],
  on_its_way: [],
  caused: [],
  ...of,
});
const TREE = {
  correlation_id: "EVT-1",
  events: 2,
  roots: [
    event("EVT-1", {
      hops: [
        { of: "alpha", stream: "EVENTS_alpha", seq: 5, stored_at: at(2), after_ms: 2 },
        { of: "beta", stream: "EVENTS_beta", seq: 9, stored_at: at(7), after_ms: 7 },
      ],
      handlings: [{ durable: "beta/desk/lamp", state: "handled", failures: 0 }],
      caused: [
        event("EVT-2", {
          from: "beta/desk",
          published_at: at(20),
          handlings: [
            {
              durable: "beta/desk/broken",
              state: "dead_letter",
              at: at(50),
              failures: 3,
              error: { category: "permanent", message: "no" },
            },
          ],
        }),
      ],
    }),
  ],
};

describe("traceRows()", () => {
  test("a row for each event, hop and handling, with times that do not run backwards", () => {
    const rows = traceRows(TREE, new Set());
    expect(rows.map(({ kind, depth, text }) => [kind, depth, text])).toEqual([
      ["event", 0, "from alpha/kitchen"],
      ["hop", 1, "stored in EVENTS_alpha"],
      ["hop", 1, "stored in EVENTS_beta"],
      ["handling", 1, "beta/desk/lamp handled"],
      ["event", 1, "from beta/desk"],
      ["handling", 2, "beta/desk/broken dead letter"],
    ]);
    // Nothing was recorded of the handler; what it has published tells how long it ran at least.
    const [, , link, handled] = rows;
    expect([link, handled].map((row) => (row?.endMs ?? 0) - (row?.startMs ?? 0))).toEqual([5, 13]);
    expect(rows.map(({ tone }) => tone)).toEqual(["good", "plain", "plain", "good", "error", "error"]);
    const { startMs, endMs } = extentOf(rows);
    expect(endMs - startMs).toBe(50);
  });

  test("a folded event hides what is below it", () => {
    expect(traceRows(TREE, new Set(["EVT-2"])).map(({ key }) => key)).not.toContain("EVT-2 handling 0");
    expect(traceRows(TREE, new Set(["EVT-1"])).map(({ key, hasMore }) => [key, hasMore])).toEqual([
      ["EVT-1", true],
    ]);
  });

  test("an event without a valid time breaks nothing", () => {
    const roots = [event("EVT-3", { published_at: "soon" })];
    expect(extentOf(traceRows({ correlation_id: "", events: 1, roots }, new Set()))).toEqual({
      startMs: 0,
      endMs: 1,
    });
    expect(extentOf([])).toEqual({ startMs: 0, endMs: 1 });
  });
});
