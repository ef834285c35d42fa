import type { Transport } from "@adaos/core";
import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { ACK, acknowledge } from "../received.ts";
import { idsOf, publishAll, type Scene } from "../scene.ts";
import { type Check, testsOf } from "../tests-of.ts";

/** The state that survives a restart of the store, and the transports that continue by themselves. */
export function describeReconnect(harness: TransportHarness): void {
  const check = testsOf(harness);
  describe("reconnect", () => {
    checkStored(check, harness);
    if (!harness.traits.survivesRestart) return;
    checkPublishing(check, harness);
    checkSubscription(check, harness);
  });
}

function checkStored(check: Check, harness: TransportHarness): void {
  const { subscribers, publishers, traits } = harness;
  const says = traits.survivesRestart
    ? "finds events and positions where they were before a restart"
    : "finds neither events nor positions from before a restart";
  check(says, async (scene) => {
    const [from, to] = await openOwn(scene);
    const [past, missed, next] = [scene.message(), scene.message(), scene.message()];
    await from.publish(past);
    const control = await scene.subscribe(to, { durable: "control", startAt: "all" });
    await control.until(past);
    const first = await scene.subscribe(to);
    await first.stop();
    await publishAll(from, [missed]);
    await control.until(missed);
    await Promise.all([from, to].map((transport) => scene.drop(transport)));
    await harness.restart("subscriber");
    const second = await scene.subscribe(await scene.open(subscribers[0]), { startAt: "all" });
    await (await scene.open(publishers[0])).publish(next);
    await second.until(next);
    expect(second.ids).toEqual(idsOf(traits.survivesRestart ? [missed, next] : [next]));
  });
}

/** Transports that no other test shares, since they go through a restart. */
async function openOwn(scene: Scene): Promise<readonly [Transport, Transport]> {
  const { publishers, subscribers } = scene.harness;
  return [await scene.open(publishers[0]), await scene.open(subscribers[0])];
}

function checkPublishing(check: Check, harness: TransportHarness): void {
  check("stores once and in order what is published while what stores it is away", async (scene) => {
    const [from, to] = await openOwn(scene);
    const received = await scene.subscribe(to);
    const before = scene.messages(50);
    const amid = scene.messages(50);
    const after = scene.messages(50);
    const publishing = [publishAll(from, before)];
    await harness.restart("publisher");
    publishing.push(publishAll(from, amid));
    await Promise.all(publishing);
    await publishAll(from, after);
    await received.until(after);
    expect(received.ids).toEqual(idsOf([...before, ...amid, ...after]));
  });
}

function checkSubscription(check: Check, harness: TransportHarness): void {
  check("goes on with a subscription, and with what it held", async (scene) => {
    const [from, to] = await openOwn(scene);
    const [held, ...others] = scene.messages(100);
    if (held === undefined) throw new Error("no message");
    const received = await scene.subscribe(to, {}, (delivery) => {
      if (delivery.message.id !== held.id) acknowledge(delivery);
    });
    await publishAll(from, [held, ...others.slice(0, 50)]);
    await received.until(others.slice(0, 50));
    await harness.restart("subscriber");
    await publishAll(from, others.slice(50));
    await received.until(others);
    received.attempts(held)[0]?.settle(ACK);
    await scene.ackWaitPasses(from, to);
    expect(received.ids.toSorted()).toEqual(idsOf([held, ...others]).toSorted());
  });
}
