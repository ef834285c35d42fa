import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { until } from "../received.ts";
import { idsOf, publishAll } from "../scene.ts";
import { type Check, testsOf } from "../tests-of.ts";

/** Whether a repeated message id stores nothing, and for how long. */
export function describeDedupe(harness: TransportHarness): void {
  const check = testsOf(harness);
  const { duplicateWindowMs, longestWindowMs } = harness;
  describe.concurrent("dedupe", () => {
    check(`is declared to last ${duplicateWindowMs} ms`, async (scene) => {
      const from = await scene.open(harness.publishers[0]);
      expect(from.capabilities.duplicateWindowMs).toBe(duplicateWindowMs);
    });
    if (duplicateWindowMs === 0) return checkNone(check);
    checkRepetition(check, harness);
    checkOthers(check, harness);
    checkSameTick(check);
    if (duplicateWindowMs <= longestWindowMs) checkWindowEnds(check, harness);
  });
}

function checkNone(check: Check): void {
  check("does not exist: a repetition is stored", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    const [message, last] = [scene.message(), scene.message()];
    const [first, together] = await publishAll(from, [message, message]);
    const later = await from.publish(message);
    await from.publish(last);
    await received.until(last);
    expect([first, together, later].map((receipt) => receipt?.duplicate)).toEqual([false, false, false]);
    expect(new Set([first, together, later].map((receipt) => receipt?.seq)).size).toBe(3);
    expect(received.ids).toEqual(idsOf([message, message, message, last]));
  });
}

function checkRepetition(check: Check, { publishers }: TransportHarness): void {
  check("tells of a repetition where the first lies, and stores nothing", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    const [message, last] = [scene.message(), scene.message()];
    const first = await from.publish(message);
    const again = await from.publish(message);
    await from.publish(last);
    expect(first.duplicate).toBe(false);
    expect(again).toEqual({ ...first, duplicate: true });
    await received.until(last);
    expect(received.ids).toEqual(idsOf([message, last]));
  });

  check("knows an id from before the publisher connected", async (scene) => {
    const before = await scene.open(publishers[0]);
    const message = scene.message();
    const first = await before.publish(message);
    await before.close();
    const after = await scene.open(publishers[0]);
    expect(await after.publish(message)).toEqual({ ...first, duplicate: true });
  });

  check("goes by subject and id alone: the first content stays", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    const [message, last] = [scene.message({ bytes: 1000 }), scene.message()];
    await from.publish(message);
    await from.publish({ ...scene.message({ bytes: 1200 }), id: message.id });
    await from.publish(last);
    await received.until(last);
    expect(received.ids).toEqual(idsOf([message, last]));
    expect(received.deliveries[0]?.message.body).toHaveLength(1000);
  });
}

/** Nodes choose the ids of their events. */
function checkOthers(check: Check, { publishers }: TransportHarness): void {
  check("takes the same id of two nodes, or of two events of one, for two messages", async (scene) => {
    const [from, to] = await scene.openBoth();
    const other = await scene.open(publishers[1]);
    const received = await scene.subscribe(to);
    const message = scene.message();
    const [theirs, second] = [
      scene.message({ from: publishers[1] }),
      scene.message({ name: `${scene.topic}second` }),
    ];
    const receipts = [
      await other.publish({ ...theirs, id: message.id }),
      await from.publish(message),
      await from.publish({ ...second, id: message.id }),
    ];
    expect(receipts.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
    const again = [await other.publish({ ...theirs, id: message.id }), await from.publish(message)];
    expect(again).toEqual([0, 1].map((i) => ({ ...receipts[i], duplicate: true })));
    const last = scene.message();
    await from.publish(last);
    await received.until(last);
    const subjects = [theirs, message, second, last].map(({ subject }) => subject);
    expect(received.deliveries.map(({ message: { subject } }) => subject)).toEqual(subjects);
  });
}

function checkSameTick(check: Check): void {
  check("stores what is published beside a known id once and in order", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    const [known, ...fresh] = scene.messages(7);
    if (known === undefined) throw new Error("no message");
    const first = await from.publish(known);
    const receipts = await publishAll(from, [...fresh.slice(0, 3), known, ...fresh.slice(3)]);
    expect(receipts[3]).toEqual({ ...first, duplicate: true });
    expect(receipts.filter(({ duplicate }) => duplicate)).toHaveLength(1);
    await received.until(fresh);
    expect(received.ids).toEqual(idsOf([known, ...fresh]));
  });

  check("stores an id that is used twice in one tick once", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    const [twice, amid, last] = [scene.message(), scene.message(), scene.message()];
    const receipts = await publishAll(from, [twice, amid, twice, last]);
    expect(receipts.map(({ duplicate }) => duplicate)).toEqual([false, false, true, false]);
    expect(receipts[2]).toEqual({ ...receipts[0], duplicate: true });
    await received.until(last);
    expect(received.ids).toEqual(idsOf([twice, amid, last]));
  });
}

function checkWindowEnds(check: Check, { duplicateWindowMs, limitMs }: TransportHarness): void {
  check("ends with its window, not before: then a repetition is stored", async (scene) => {
    const from = await scene.open(scene.harness.publishers[0]);
    const message = scene.message();
    const startedMs = performance.now();
    const first = await from.publish(message);
    let again = first;
    await until(
      async () => {
        again = await from.publish(message);
        return !again.duplicate;
      },
      duplicateWindowMs + limitMs,
      () => "a repetition was not stored",
    );
    // Measured from before the first publish to after the last: not less than the window.
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(duplicateWindowMs - 2);
    expect(again.seq).toBeGreaterThan(first.seq);
  });
}
