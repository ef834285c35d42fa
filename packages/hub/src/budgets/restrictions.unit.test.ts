import { describe, expect, test } from "vitest";
import { planRestrictions, type StreamStand, type Written, withheldBy } from "./restrictions.ts";

function stand(stream: string, held: Record<string, number>, over: readonly string[]): StreamStand {
  const usedBytes = Object.values(held).reduce((sum, bytes) => sum + bytes, 0);
  return {
    stream,
    maxBytes: 104_857_600,
    usedBytes,
    held: new Map(Object.entries(held)),
    over: new Set(over),
  };
}

function plan(stands: [Written, StreamStand][], overdrawn = new Map()): ReturnType<typeof planRestrictions> {
  return planRestrictions("alpha", ["evil", "kitchen"], new Map(stands), overdrawn);
}

describe("planRestrictions()", () => {
  test("takes from a member what it writes too much of, and nothing from others", () => {
    const events = stand("EVENTS_alpha", { "alpha/evil": 83_886_080, "alpha/kitchen": 5 }, ["alpha/evil"]);
    const letters = stand("DLQ_alpha", { "alpha/kitchen": 83_886_080 }, ["alpha/kitchen"]);
    const restrictions = plan([
      ["events", events],
      ["deadLetters", letters],
    ]);
    expect(withheldBy(restrictions)).toEqual(
      new Map([
        ["evil", new Set(["evt", "rpy"])],
        ["kitchen", new Set(["dlq"])],
      ]),
    );
    expect(restrictions.get("evil")?.[0]).toEqual({
      root: "evt",
      reason: "alpha/evil holds 80.0 of 100.0 MiB in EVENTS_alpha, and the rest is for others",
      retryAfterMs: 5000,
    });
  });

  test("takes nothing from another subnet, or from who is no member", () => {
    expect(plan([["events", stand("EVENTS_alpha", {}, ["beta", "alpha/gone", "evil"])]]).size).toBe(0);
  });

  test("takes its events from one that has overdrawn a limit, for as long as it has to pay", () => {
    const restrictions = plan([], new Map([["evil", { limit: "20 events/s of ui.", waitMs: 700 }]]));
    expect([...restrictions.keys()]).toEqual(["evil"]);
    expect(restrictions.get("evil")?.map(({ root }) => root)).toEqual(["evt", "ask"]);
    expect(restrictions.get("evil")?.[0]).toMatchObject({
      reason: "alpha/evil may publish 20 events/s of ui. and has published more",
      retryAfterMs: 700,
    });
  });
});
