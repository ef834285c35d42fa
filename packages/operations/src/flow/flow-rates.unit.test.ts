import { describe, expect, test } from "vitest";
import type { DurableFlow, FlowLook, SubnetFlow } from "./ask-flow.ts";
import { flowRates, perSecond } from "./flow-rates.ts";

const durable = (name: string, ended: number): DurableFlow => ({
  member: "alpha/kitchen",
  durable: name,
  pattern: "ui.",
  pending: 0,
  unsettled: 0,
  redelivered: 0,
  paused: false,
  ended,
  lastActive: undefined,
});

function look(atMs: number, flow: Partial<SubnetFlow>): FlowLook {
  const subnet: SubnetFlow = {
    subnet: "alpha",
    messages: 0,
    bytes: 0,
    firstSeq: 1,
    lastSeq: 0,
    published: new Map(),
    durables: [],
    uplink: undefined,
    ...flow,
  };
  return { atMs, subnets: [subnet], away: [] };
}
const held = (count: number): ReadonlyMap<string, number> => new Map([["alpha/kitchen", count]]);

describe("perSecond()", () => {
  test("is the growth of a counter, and what it has reached where it was started again", () => {
    expect(perSecond(10, 40, 3)).toBe(10);
    expect(perSecond(1_000_000, 6, 3)).toBe(2);
    expect(perSecond(undefined, 6, 3)).toBeUndefined();
    expect(perSecond(1, 6, 0)).toBeUndefined();
  });
});

describe("flowRates()", () => {
  test("counts what a member has published and what its durables have handled", () => {
    const before = look(1000, {
      messages: 100,
      lastSeq: 100,
      published: held(100),
      durables: [durable("screen", 5), durable("lights", 7)],
    });
    const now = look(4000, {
      messages: 130,
      lastSeq: 130,
      published: held(130),
      durables: [durable("screen", 11), durable("lights", 7), durable("new", 1000), durable("journal", 999)],
    });
    const { published, handled } = flowRates(before, now);
    expect(published.get("alpha/kitchen")).toBe(10);
    expect(handled.get("alpha/kitchen")).toBe(2);
  });

  test("counts on while a full stream drops its oldest, after a purge, and when the stream was made again", () => {
    const rate = (now: Partial<SubnetFlow>): number | undefined =>
      flowRates(
        look(0, { messages: 100, firstSeq: 1, lastSeq: 100, published: held(50) }),
        look(1000, now),
      ).published.get("alpha/kitchen");
    expect(rate({ messages: 100, firstSeq: 41, lastSeq: 140, published: held(50) })).toBe(20);
    expect(rate({ messages: 4, firstSeq: 101, lastSeq: 104, published: held(4) })).toBe(4);
    expect(rate({ messages: 3, firstSeq: 1, lastSeq: 3, published: held(3) })).toBe(3);
    expect(rate({ messages: 90, firstSeq: 1, lastSeq: 100, published: held(40) })).toBe(0);
  });

  test("says nothing of what only one look knows, or of no time at all", () => {
    const known = look(0, { published: held(5) });
    expect(
      flowRates({ atMs: 0, subnets: [], away: [] }, look(1000, { published: held(5) })).published.size,
    ).toBe(0);
    expect(flowRates(known, known).published.size).toBe(0);
  });
});
