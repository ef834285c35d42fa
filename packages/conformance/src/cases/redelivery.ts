import type { Delivery } from "@adaos/core";
import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { ACK, hold } from "../received.ts";
import { idsOf, publishAll } from "../scene.ts";
import { type Check, testsOf } from "../tests-of.ts";

/** Reasons of a term; without one the delivery is acknowledged. */
const REASONS = [
  undefined,
  "spoilt",
  "",
  "two\r\nlines\0",
  "ünïcödé ✓",
  "x".repeat(100_000),
  "+ACK",
  "-NAK {",
];

/**
 * Which deliveries come again, to whom and when. These tests wait for the ack wait, which is long with a real
 * server, so they run at the same time.
 */
export function describeRedelivery(harness: TransportHarness): void {
  const check = testsOf(harness);
  describe.concurrent("redelivery", () => {
    checkAbandoned(check, harness);
    checkNone(check, harness);
    checkComings(check, harness);
  });
}

function checkAbandoned(check: Check, { subscribers, traits, crash }: TransportHarness): void {
  check(
    "of what a stopped subscription left unsettled, to the next one after the ack wait",
    async (scene) => {
      const [from, to] = await scene.openBoth();
      const first = await scene.subscribe(to, {}, hold);
      const message = scene.message({ bytes: 1000 });
      await from.publish(message);
      // A handler may change its copy.
      (await first.until(message)).message.body.fill(0);
      await first.stop(0);
      const second = await scene.subscribe(to);
      const again = await second.until(message);
      expect(again.deliveryCount).toBe(2);
      expect(again.seq).toBe(first.deliveries[0]?.seq);
      expect(Buffer.from(again.message.body).equals(message.body)).toBe(true);
      const waitedMs = second.arrivedMs(again) - first.arrivedMs(first.deliveries[0] ?? again);
      // The wait begins when the message is sent, on a busy machine well before its arrival.
      expect(waitedMs).toBeGreaterThan(traits.ackWaitMs * 0.8);
    },
  );

  check("of what was acknowledged after its connection was closed", async (scene) => {
    const [from, to] = await scene.openBoth();
    const first = await scene.subscribe(to, {}, hold);
    const message = scene.message();
    await from.publish(message);
    const late = await first.until(message);
    await first.stop(0);
    await to.close();
    late.settle(ACK);
    const second = await scene.subscribe(await scene.open(subscribers[0]));
    expect((await second.until(message)).deliveryCount).toBe(2);
  });

  if (crash === undefined) return;
  check("of what a dead process held, to those who share its durable", async (scene) => {
    const [from, dying] = await scene.openBoth();
    const messages = scene.messages(20);
    const first = await scene.subscribe(dying, {}, hold);
    await publishAll(from, messages);
    await first.until(messages);
    const second = await scene.subscribe(await scene.open(subscribers[0]));
    await crash(dying);
    await second.until(messages);
    expect(second.ids.toSorted()).toEqual(idsOf(messages).toSorted());
  });
}

function checkNone(check: Check, { subscribers }: TransportHarness): void {
  check("does not come while a subscription holds the delivery, however long", async (scene) => {
    const [from, to] = await scene.openBoth();
    const holding = await scene.subscribe(to, {}, hold);
    const messages = scene.messages(10);
    await publishAll(from, messages);
    await holding.until(messages);
    const other = await scene.subscribe(await scene.open(subscribers[0]));
    await scene.ackWaitPasses(from, to);
    expect(other.ids).toEqual([]);
    expect(holding.deliveries).toHaveLength(messages.length);
    for (const delivery of holding.deliveries) delivery.settle(ACK);
  });

  check("does not come of what has ended, even after its subscription was stopped", async (scene) => {
    const [from, to] = await scene.openBoth();
    const first = await scene.subscribe(to, {}, hold);
    const messages = scene.messages(20);
    await publishAll(from, messages);
    await first.until(messages);
    const end = (delivery: Delivery, i: number): void => {
      const reason = REASONS[i % REASONS.length];
      delivery.settle(reason === undefined ? ACK : { kind: "term", reason });
    };
    first.deliveries.slice(0, 10).forEach(end);
    await first.stop(0);
    first.deliveries.slice(10).forEach(end);
    const other = await scene.subscribe(to);
    await scene.ackWaitPasses(from, to);
    expect(other.ids).toEqual([]);
  });
}

function checkComings(check: Check, { subscribers }: TransportHarness): void {
  check(
    "brings what was on its way to a subscription that stopped: none is lost or given twice",
    async (scene) => {
      const from = await scene.open(scene.harness.publishers[0]);
      const all = scene.tally();
      const messages = scene.messages(150);
      await (await scene.subscribe(await scene.open(subscribers[0]))).stop();
      const publishing: Promise<unknown>[] = [];
      for (let i = 0; i < messages.length; i += 50) {
        const to = await scene.open(subscribers[0]);
        const received = await scene.subscribe(to, {}, all.take);
        publishing.push(publishAll(from, messages.slice(i, i + 50)));
        await received.untilAny();
        await (i % 100 === 0 ? received.stop() : to.close());
      }
      await Promise.all(publishing);
      await scene.subscribe(await scene.open(subscribers[0]), {}, all.take);
      await all.until(messages);
      expect(all.ids.toSorted()).toEqual(idsOf(messages).toSorted());
    },
  );
}
