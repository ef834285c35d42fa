import { encodeEnvelope } from "@adaos/core";
import { describe, expect, test } from "vitest";
import { envelopeOf } from "../../../../test/kit/stand-ins.ts";
import { StoredEvents } from "./stored-events.ts";

const SUBJECT = "evt.alpha.kitchen.timer.tick.v1";

/** A stream of one subject that counts what is read of it. */
function scene() {
  const stored: { readonly seq: number; readonly body: Uint8Array }[] = [];
  const counts = { read: 0 };
  const events = new StoredEvents(async function* (_, from) {
    const first = "seq" in from ? from.seq : 1;
    for (const one of stored.filter(({ seq }) => seq >= first)) {
      await Promise.resolve();
      counts.read++;
      yield one;
    }
  });
  const store = (i: number): void => {
    stored.push({ seq: stored.length + 1, body: encodeEnvelope(envelopeOf({ event_id: idOf(i) })) });
  };
  return { events, store, counts };
}

function idOf(i: number): string {
  return `EVT-20260105-090000-${i.toString(16).padStart(12, "0")}`;
}

describe("StoredEvents", () => {
  test("a thousand that look for a thousand events read each event once", async () => {
    const { events, store, counts } = scene();
    for (let i = 0; i < 1000; i++) store(i);
    const found = await Promise.all(Array.from({ length: 1001 }, (_, i) => events.find(SUBJECT, 0, idOf(i))));
    expect(found).toEqual([...Array.from({ length: 1000 }, (_, i) => i + 1), undefined]);
    expect(counts.read).toBe(1000);
  });

  test("finds what is stored while others are read", async () => {
    const { events, store, counts } = scene();
    for (let i = 0; i < 3; i++) store(i);
    const first = events.find(SUBJECT, 0, idOf(9));
    while (counts.read === 0) await Promise.resolve();
    store(3);
    expect([await events.find(SUBJECT, 0, idOf(3)), await first]).toEqual([4, undefined]);
    expect(counts.read).toBe(4);
  });

  test("looks from the earliest time that was asked for", async () => {
    const { events, store } = scene();
    store(0);
    expect(await events.find(SUBJECT, 5000, idOf(0))).toBe(1);
    expect(await events.find(SUBJECT, 1000, idOf(0))).toBe(1);
  });
});
