import type { EventRecord } from "@adaos/registry";
import { describe, expect, test } from "vitest";
import { topicsOf } from "./topics.ts";

const RECORD = { name: "ui.notify", version: 1, kind: "event", status: "stable" } as EventRecord;

describe("topicsOf()", () => {
  test("sums the origins of one event and version, and takes the latest time", () => {
    const topics = topicsOf(
      [
        { subject: "evt.beta.desk.ui.notify.v1", count: 2, lastSeen: "2026-01-05T09:30:00.000Z" },
        { subject: "evt.alpha.kitchen.ui.notify.v1", count: 3, lastSeen: "2026-01-04T09:30:00.000Z" },
        { subject: "evt.alpha.kitchen.ui.notify.v2", count: 1, lastSeen: undefined },
      ],
      [RECORD],
    );
    expect(topics).toEqual([
      {
        event: "ui.notify@1",
        count: 5,
        origins: ["alpha/kitchen", "beta/desk"],
        last_seen: "2026-01-05T09:30:00.000Z",
        kind: "event",
        status: "stable",
      },
      {
        event: "ui.notify@2",
        count: 1,
        origins: ["alpha/kitchen"],
        last_seen: null,
        kind: null,
        status: null,
      },
    ]);
  });

  test("tells of events in the registry that nobody published, and leaves out what is no event", () => {
    const topics = topicsOf([{ subject: "evt.alpha.kitchen.x", count: 1, lastSeen: undefined }], [RECORD]);
    expect(topics).toEqual([
      { event: "ui.notify@1", count: 0, origins: [], last_seen: null, kind: "event", status: "stable" },
    ]);
  });
});
