import type { QueuedEvent } from "@adaos/client";
import { describe, expect, test } from "vitest";
import type { MeshHealth } from "./health.ts";
import { outboxNote, progressOf, withOutboxes } from "./outboxes.ts";

const queued = (...numbers: readonly number[]): QueuedEvent[] =>
  numbers.map((n) => ({
    id: `id-${n}`,
    subject: "evt.x",
    bytes: 100,
    publishedAt: `2026-01-05T09:30:0${n}Z`,
  }));

describe("progressOf()", () => {
  test("counts what has gone out, not what has come in meanwhile", () => {
    expect(progressOf(queued(1, 2, 3), queued(3, 4, 5, 6), 4000)).toEqual({
      waiting: 4,
      bytes: 400,
      oldest_at: "2026-01-05T09:30:03Z",
      per_second: 0.5,
    });
  });
});

describe("outboxNote()", () => {
  const progress = { waiting: 50, bytes: 1, oldest_at: "2026-01-05T09:30:03Z", per_second: 12.5 };
  test("tells how many, since when, and how long it will take", () => {
    expect(outboxNote(progress)).toBe(
      "outbox: 50 events, the oldest since 2026-01-05T09:30:03Z; 12.5/s go out, 4 s left",
    );
    expect(outboxNote({ ...progress, waiting: 1, oldest_at: null, per_second: 0 })).toBe(
      "outbox: 1 event; none goes out now",
    );
  });
  test("says nothing of an empty one", () => expect(outboxNote({ ...progress, waiting: 0 })).toBeUndefined());
});

describe("withOutboxes()", () => {
  test("adds it to the line of the member, and to its details", () => {
    const node = { kind: "node", name: "alpha/kitchen", ready: true, note: "http://x" } as const;
    const health: MeshHealth = { mesh: "m", ready: true, components: [node], config: { errors: [] } };
    const progress = { waiting: 1, bytes: 9, oldest_at: null, per_second: 0 };
    expect(withOutboxes(health, new Map([["alpha/kitchen", progress]])).components).toEqual([
      { ...node, note: "http://x; outbox: 1 event; none goes out now", details: { queued: progress } },
    ]);
    expect(withOutboxes(health, new Map())).toEqual(health);
  });
});
