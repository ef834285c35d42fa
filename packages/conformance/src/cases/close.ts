import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { ACK, hold } from "../received.ts";
import { idsOf, publishAll } from "../scene.ts";
import { type Check, testsOf } from "../tests-of.ts";

const CLOSED = { name: "MeshError", code: "closed" };

/** How transports and subscriptions end. */
export function describeClose(harness: TransportHarness): void {
  const check = testsOf(harness);
  describe.concurrent("close()", () => {
    checkClosed(check, harness);
    checkUnsettled(check, harness);
  });
  describe.concurrent("stop()", () => checkStop(check));
}

function checkClosed(check: Check, { publishers, subscribers }: TransportHarness): void {
  check("can be called twice; then publish and subscribe reject as closed", async (scene) => {
    const transport = await scene.open(publishers[0]);
    await Promise.all([transport.close(), transport.close()]);
    await transport.close();
    await expect(transport.publish(scene.message())).rejects.toMatchObject(CLOSED);
    await expect(scene.subscribe(transport)).rejects.toMatchObject(CLOSED);
  });

  check("stores what was accepted before", async (scene) => {
    const from = await scene.open(publishers[0]);
    const received = await scene.subscribe(await scene.open(subscribers[0]));
    const messages = scene.messages(200);
    const publishing = publishAll(from, messages);
    await from.close();
    expect(await publishing).toHaveLength(200);
    await received.until(messages);
    expect(received.ids).toEqual(idsOf(messages));
  });

  check("leaves no subscription that was just being made", async (scene) => {
    const [from, to] = await scene.openBoth();
    const mine = await scene.open(subscribers[0]);
    const orphan = scene.tally();
    const subscribing = scene.subscribe(mine, { durable: "orphan" }, orphan.take);
    const outcome = subscribing.then(
      () => ({ ...CLOSED }),
      (refusal: unknown) => refusal,
    );
    await mine.close();
    expect(await outcome).toMatchObject(CLOSED);
    const control = await scene.subscribe(to, { durable: "control" });
    const message = scene.message();
    await from.publish(message);
    await control.until(message);
    expect(orphan.ids).toEqual([]);
  });
}

function checkUnsettled(check: Check, { subscribers }: TransportHarness): void {
  check("waits for unsettled deliveries, whose settlements count", async (scene) => {
    const [from, to] = await scene.openBoth();
    const first = await scene.subscribe(to, {}, hold);
    const message = scene.message();
    await from.publish(message);
    const held = await first.until(message);
    let closed = false;
    const closing = to.close().then(() => {
      closed = true;
    });
    const other = await scene.open(subscribers[0]);
    const control = await scene.subscribe(other, { durable: "control" });
    const next = scene.message();
    await from.publish(next);
    await control.until(next);
    expect(closed).toBe(false);
    held.settle(ACK);
    await closing;
    // No transport has received it since the close began: the closing one takes no more.
    const second = await scene.subscribe(other);
    await second.until(next);
    await scene.ackWaitPasses(from, other);
    expect(second.ids).toEqual([next.id]);
  });
}

function checkStop(check: Check): void {
  check("ends one subscription and leaves its durable and the others", async (scene) => {
    const [from, to] = await scene.openBoth();
    const stopping = await scene.subscribe(to);
    const staying = await scene.subscribe(to, { durable: "staying" });
    await stopping.stop();
    await stopping.stop();
    const messages = scene.messages(10);
    await publishAll(from, messages);
    await staying.until(messages);
    expect(stopping.ids).toEqual([]);
    const next = await scene.subscribe(to);
    await next.until(messages);
    expect(next.ids).toEqual(idsOf(messages));
  });

  check("waits no longer than it is told to", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to, {}, hold);
    const message = scene.message();
    await from.publish(message);
    await received.until(message);
    const startedMs = performance.now();
    await received.stop(100);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(98);
  });

  check("called twice at once waits for the last settlement and then no longer", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to, {}, hold);
    const message = scene.message();
    await from.publish(message);
    const held = await received.until(message);
    const graceMs = scene.harness.limitMs * 10;
    const stops = [received.stop(graceMs), received.stop(graceMs)];
    held.settle(ACK);
    await Promise.all(stops);
  });
}
