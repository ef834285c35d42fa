import { describe, expect, test } from "vitest";
import type { EventConsumer } from "../standing/event-consumer.ts";
import { fateAt, type KnownFailures, type KnownMarks } from "./durable-fates.ts";
import type { LedgerEvent } from "./ledger-event.ts";
import { fateOnWay, type LinkWay } from "./link-fates.ts";

const SUBJECT = "evt.alpha.kitchen.ui.notify.v1";
const consumer = (changed: Partial<EventConsumer> = {}): EventConsumer => ({
  of: "beta",
  kind: "durable",
  name: "beta/desk/screen",
  filters: ["evt.*.*.ui.>"],
  givenSeq: 10,
  settledSeq: 8,
  unsettled: 2,
  retryingSeqs: [],
  pending: 0,
  waiting: 1,
  paused: false,
  begins: { kind: "all" },
  pattern: "ui.",
  ...changed,
});
const event = (seq: number, changed: Partial<LedgerEvent> = {}): LedgerEvent => {
  return { id: `EVT-${seq}`, subject: SUBJECT, seq, storedMs: seq * 1000, key: `key${seq}`, ...changed };
};
const NO_FAILURES: KnownFailures = { dead: new Set(), parked: new Set() };
const marked = (...keys: readonly string[]): KnownMarks => ({
  has: (durable, key) => durable === "screen" && keys.includes(key),
});

describe("fateAt()", () => {
  const fate = (one: LedgerEvent, failures = NO_FAILURES, marks = marked(), at = consumer()): unknown =>
    fateAt(at, one, failures, marks);

  test("is nothing of what the durable does not take, or begins behind", () => {
    expect(fate(event(1, { subject: "evt.alpha.kitchen.nlp.intent.detected.v1" }))).toBeUndefined();
    const begun = consumer({ begins: { kind: "seq", seq: 5 } });
    expect(fate(event(4), NO_FAILURES, marked("key4"), begun)).toBeUndefined();
  });

  test("is handled where its mark says so, also out of order and before it is settled", () => {
    expect(fate(event(3), NO_FAILURES, marked("key3"))).toBe("handled");
    expect(fate(event(10), NO_FAILURES, marked("key10"))).toBe("handled");
  });

  test("is dead or parked where that is told of its place", () => {
    const failures = { dead: new Set(["beta/desk/screen 3"]), parked: new Set(["beta/desk/screen 4"]) };
    expect([fate(event(3), failures), fate(event(4), failures)]).toEqual(["dead", "parked"]);
    expect(fate(event(5), failures)).toBe("missing");
  });

  test("is pending while it is not given or not settled", () => {
    expect([fate(event(9)), fate(event(11))]).toEqual(["pending", "pending"]);
  });
});

describe("fateOnWay()", () => {
  const up = consumer({ of: "alpha", kind: "link", name: "up alpha" });
  const down = consumer({ of: "root", kind: "link", name: "down beta", settledSeq: 100 });
  const atRoot = new Map([[`${SUBJECT} EVT-3`, 50]]);
  const way = (changed: Partial<LinkWay> = {}): LinkWay => {
    return { from: "alpha", up, down, atRoot, refused: new Set(), targetSinceMs: 0, ...changed };
  };

  test("waits where a link has not settled it", () => {
    expect(fateOnWay(event(9), way())).toEqual({
      fate: "pending",
      at: { id: "EVT-9", place: "EVENTS_alpha 9" },
    });
    const late = way({ down: { ...down, settledSeq: 49 } });
    expect(fateOnWay(event(3), late)).toEqual({ fate: "pending", at: { id: "EVT-3", place: "MESH 50" } });
  });

  test("is denied where the log of a link says that it was refused", () => {
    expect(fateOnWay(event(3), way({ refused: new Set(["up alpha 3"]) }))?.fate).toBe("denied");
    expect(fateOnWay(event(3), way({ refused: new Set(["down beta 50"]) }))?.fate).toBe("denied");
  });

  test("is expired where its target holds nothing so old, else missing where it was seen last", () => {
    expect(fateOnWay(event(3), way({ targetSinceMs: 4000 }))?.fate).toBe("expired");
    expect(fateOnWay(event(3), way())).toEqual({ fate: "missing", at: { id: "EVT-3", place: "MESH 50" } });
    expect(fateOnWay(event(2), way())?.at.place).toBe("EVENTS_alpha 2");
  });

  test("is nothing where a server on its way does not answer", () => {
    expect(fateOnWay(event(3), way({ up: undefined }))).toBeUndefined();
    expect(fateOnWay(event(3), way({ atRoot: undefined }))).toBeUndefined();
  });
});
