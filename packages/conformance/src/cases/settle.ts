import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { ACK, acknowledge, hold, nakAfter } from "../received.ts";
import { idsOf, publishAll } from "../scene.ts";
import { type Check, testsOf } from "../tests-of.ts";

/** Server and test read their clocks in whole milliseconds. */
const CLOCK_MS = 2;

/** How deliveries end, and when they do not. */
export function describeSettle(harness: TransportHarness): void {
  const check = testsOf(harness);
  describe.concurrent("settle()", () => {
    checkEnds(check);
    checkNak(check);
    checkTwice(check);
  });
}

function checkEnds(check: Check): void {
  check(
    "with ack or term ends a delivery: the durable's next subscription begins after it",
    async (scene) => {
      const [from, to] = await scene.openBoth();
      const first = await scene.subscribe(to, {}, ({ seq, settle }) =>
        settle(seq % 2 === 0 ? ACK : { kind: "term", reason: "spoilt" }),
      );
      const ended = scene.messages(6);
      await publishAll(from, ended);
      await first.until(ended);
      await first.stop();
      const second = await scene.subscribe(to);
      const next = scene.message();
      await from.publish(next);
      await second.until(next);
      expect(second.ids).toEqual([next.id]);
      expect(second.deliveries[0]?.deliveryCount).toBe(1);
    },
  );

  check("goes in any order, and later than other deliveries come", async (scene) => {
    const [from, to] = await scene.openBoth();
    const first = await scene.subscribe(to, {}, hold);
    const messages = scene.messages(5);
    await publishAll(from, messages);
    await first.until(messages);
    expect(first.ids).toEqual(idsOf(messages));
    for (const delivery of first.deliveries.toReversed()) delivery.settle(ACK);
    await first.stop();
    const second = await scene.subscribe(to);
    const next = scene.message();
    await from.publish(next);
    await second.until(next);
    expect(second.ids).toEqual([next.id]);
  });
}

function checkNak(check: Check): void {
  check("with nak gives the same message again, not before its delay", async (scene) => {
    const [from, to] = await scene.openBoth();
    const delayMs = 150;
    let nakMs = 0;
    const received = await scene.subscribe(to, {}, (delivery) => {
      if (delivery.deliveryCount > 1) return acknowledge(delivery);
      nakMs = performance.now();
      delivery.settle(nakAfter(delayMs));
    });
    const message = scene.message();
    const { seq } = await from.publish(message);
    const again = await received.until(message, 2);
    expect(received.arrivedMs(again) - nakMs).toBeGreaterThanOrEqual(delayMs - CLOCK_MS);
    expect({ ...again.message, body: undefined }).toEqual({ ...message, body: undefined });
    expect([again.seq, again.stream]).toEqual([received.deliveries[0]?.seq, received.deliveries[0]?.stream]);
    expect(seq).toBeGreaterThan(0);
  });

  check("with nak counts the attempts", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to, {}, ({ deliveryCount, settle }) =>
      settle(deliveryCount < 4 ? nakAfter(1) : ACK),
    );
    const message = scene.message();
    await from.publish(message);
    await received.until(message, 4);
    expect(received.deliveries.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 2, 3, 4]);
  });

  check("with nak and no delay gives the message again all the same", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to, {}, ({ deliveryCount, settle }) =>
      settle(deliveryCount === 1 ? nakAfter(0) : ACK),
    );
    const message = scene.message();
    await from.publish(message);
    await received.until(message, 2);
  });

  check(
    "with nak leaves the waiting to the broker: it outlasts the subscriber's connection",
    async (scene) => {
      const [from, to] = await scene.openBoth();
      const delayMs = 300;
      const first = await scene.subscribe(to, {}, hold);
      const message = scene.message();
      await from.publish(message);
      const nakMs = performance.now();
      (await first.until(message)).settle(nakAfter(delayMs));
      await to.close();
      const second = await scene.subscribe(await scene.open(scene.harness.subscribers[0]));
      const again = await second.until(message);
      // A delivery that is due while the first subscription stops may have been returned, which counts.
      expect(again.deliveryCount).toBeGreaterThan(1);
      expect(second.arrivedMs(again) - nakMs).toBeGreaterThanOrEqual(delayMs - CLOCK_MS);
    },
  );
}

function checkTwice(check: Check): void {
  check("does nothing the second time", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to, {}, ({ deliveryCount, settle }) => {
      settle(deliveryCount === 1 ? nakAfter(20) : ACK);
      settle(deliveryCount === 1 ? ACK : nakAfter(1));
    });
    const message = scene.message();
    await from.publish(message);
    await received.until(message, 2);
    await received.stop();
    const second = await scene.subscribe(to);
    const next = scene.message();
    await from.publish(next);
    await second.until(next);
    expect(second.ids).toEqual([next.id]);
  });
}
