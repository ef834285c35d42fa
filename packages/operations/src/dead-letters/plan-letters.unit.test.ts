import { type Envelope, encodeEnvelope } from "@adaos/core";
import { type DeadLetter, replayOf, Signatures } from "@adaos/core/wire";
import { describe, expect, test } from "vitest";
import type { KeptDeadLetter } from "./dead-letters.ts";
import { isMatched } from "./letter-filter.ts";
import { LetterPlan, letterPlace } from "./plan-letters.ts";
import { StoredReplays } from "./replayed-letters.ts";

const ORIGINAL: Envelope = {
  event_id: "EVT-20260105-093000-0123456789ab",
  event_name: "ui.notify",
  version: 1,
  kind: "event",
  ts: "2026-01-05T09:30:00.000Z",
  source: "app@kitchen",
  correlation_id: "the-story",
  tenant: "default",
  headers: {},
  data: { text: "secret" },
};
const UNSIGNED = new Signatures();

function entryOf(change: Partial<DeadLetter> = {}): DeadLetter {
  const body_base64 = Buffer.from(encodeEnvelope(ORIGINAL)).toString("base64");
  return {
    dead_letter_id: "DLQ-EVENTS_beta-17-desk.screen",
    at: "2026-01-05T09:31:00.000Z",
    category: "transient",
    rule: "default",
    error: { type: "Error", message: "No screen", stack: "" },
    attempts: [],
    delivery_count: 1,
    node: "beta/desk",
    durable: "screen",
    stream: "EVENTS_beta",
    seq: 17,
    subject: "evt.alpha.kitchen.ui.notify.v1",
    event_id: ORIGINAL.event_id,
    event_name: "ui.notify",
    correlation_id: "the-story",
    message: { headers: {}, body_base64 },
    ...change,
  };
}

function keptAt(kept: number, change: Partial<DeadLetter> = {}): KeptDeadLetter {
  return { subnet: "beta", stream: "DLQ_beta", kept, entry: entryOf(change) };
}

function planOf(kind: "replay" | "purge", replays = new StoredReplays(), maxLetters = 10): LetterPlan {
  return new LetterPlan({
    ...{ kind, signatures: UNSIGNED, replays, maxLetters },
    durables: new Set(["beta/desk screen"]),
  });
}

describe("LetterPlan", () => {
  test("counts what a replay would do, and why it would leave letters", () => {
    const replays = new StoredReplays();
    replays.add("beta", replayOf(entryOf(), UNSIGNED));
    const plan = planOf("replay", replays);
    plan.add(keptAt(1));
    plan.add(keptAt(2, { dead_letter_id: "DLQ-2", category: "permanent" }));
    plan.add(keptAt(3, { dead_letter_id: "DLQ-3", durable: "old" }));
    plan.add(keptAt(4, { kind: "run" }));
    plan.add(keptAt(5, { message: { headers: {}, body_base64: "AAAA" } }));
    plan.add(keptAt(6, { subject: "none.of.ours" }));
    const { matched, replayed, permanent, orphaned } = plan;
    expect({ matched, replayed, permanent, orphaned }).toEqual({
      ...{ matched: 6, replayed: 1, permanent: 1, orphaned: 1 },
    });
    expect(plan.letters.map(letterPlace)).toEqual(["beta/1", "beta/2", "beta/3"]);
    expect(plan.refused()).toEqual([
      { reason: "it holds no event that can be read", count: 2 },
      { reason: "it is of a run, and only its program can repeat that", count: 1 },
    ]);
  });

  test("deletes whatever it is of, and no more than a plan holds", () => {
    const plan = planOf("purge", undefined, 2);
    plan.add(keptAt(4, { kind: "run", at: "no time" }));
    plan.add(keptAt(5, { message: { headers: {}, body_base64: "AAAA" } }));
    expect(plan.letters).toHaveLength(2);
    expect(plan.refused()).toEqual([]);
    expect(() => plan.add(keptAt(6))).toThrow("more than 2 letters match");
  });
});

describe("StoredReplays", () => {
  test("knows a replay by its durable and the time of its letter, not by the id alone", () => {
    const replays = new StoredReplays();
    replays.add("beta", replayOf(entryOf(), UNSIGNED));
    expect(replays.has(entryOf())).toBe(true);
    expect(replays.has(entryOf({ node: "beta/lamp" }))).toBe(false);
    expect(replays.has(entryOf({ node: "alpha/desk" }))).toBe(false);
    expect(replays.has(entryOf({ durable: "other" }))).toBe(false);
    // A durable that was set back fails for the same event again.
    expect(replays.has(entryOf({ at: "2026-01-06T09:31:00.000Z" }))).toBe(false);
    expect(replays.has(entryOf({ at: "no time" }))).toBe(false);
    expect(replays.ofLetter(entryOf().dead_letter_id)).toEqual([replayOf(entryOf(), UNSIGNED).id]);
    expect(replays.ofLetter("DLQ-2")).toEqual([]);
  });

  test("takes what is no event for no replay", () => {
    const replays = new StoredReplays();
    replays.add("beta", { subject: "rpl.desk.screen.alpha.kitchen.ui.notify.v1", body: new Uint8Array([1]) });
    expect(replays.ofLetter("")).toEqual([]);
  });
});

describe("isMatched()", () => {
  const entry = entryOf();
  const atMs = Date.parse(entry.at);
  test.each([
    [{}, true],
    [{ type: "Error" }, true],
    [{ type: "TypeError" }, false],
    [{ text: "no SCREEN" }, true],
    [{ text: "17-desk" }, true],
    [{ text: "secret" }, false],
    [{ sinceMs: atMs, untilMs: atMs }, true],
    [{ sinceMs: atMs + 1 }, false],
    [{ untilMs: atMs - 1 }, false],
  ])("%j: %s", (filter, expected) => {
    expect(isMatched(filter, entry)).toBe(expected);
  });

  test("leaves out what states no time, once a time is asked for", () => {
    expect(isMatched({ sinceMs: 0 }, entryOf({ at: "soon" }))).toBe(false);
  });
});
