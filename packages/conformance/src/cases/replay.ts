import { type Message, newEventId } from "@adaos/core";
import { formatReplaySubject } from "@adaos/core/wire";
import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { ACK, nakAfter } from "../received.ts";
import { idsOf, publishAll, type Scene } from "../scene.ts";
import { testsOf } from "../tests-of.ts";

/** A replayed event reaches its durable and no other. */
export function describeReplay(harness: TransportHarness): void {
  const check = testsOf(harness);
  const [subscriber, other] = harness.subscribers;

  /** Replays of the events for a durable of the first subscriber. */
  const again = (scene: Scene, durable: string, messages: readonly Message[]): Message[] =>
    messages.map((message) => ({
      ...message,
      id: newEventId(Date.now()),
      subject: formatReplaySubject(
        { node: subscriber.node, durable: scene.durable(durable) },
        message.subject,
      ),
    }));

  describe.concurrent("replay", () => {
    check("reaches its durable, in order, and no other of the node or of another", async (scene) => {
      const [from, to] = await scene.openBoth();
      const meant = await scene.subscribe(to, { durable: "meant" });
      const beside = await scene.subscribe(to, { durable: "beside" });
      const elsewhere = await scene.subscribe(await scene.open(other), { durable: "meant" });
      const messages = scene.messages(20);
      await publishAll(from, messages);
      await Promise.all([meant.until(messages), beside.until(messages), elsewhere.until(messages)]);
      const replayed = again(scene, "meant", messages);
      await harness.replay(replayed);
      await meant.until(replayed);
      const last = scene.message();
      await from.publish(last);
      await Promise.all([meant.until(last), beside.until(last), elsewhere.until(last)]);
      expect(meant.ids).toEqual(idsOf([...messages, ...replayed, last]));
      expect([beside.ids, elsewhere.ids]).toEqual([idsOf([...messages, last]), idsOf([...messages, last])]);
      const [first] = meant.deliveries.slice(20);
      expect(first?.message.subject).toBe(replayed[0]?.subject);
      expect(Buffer.from(first?.message.body ?? "")).toEqual(Buffer.from(messages[0]?.body ?? ""));
    });

    check("waits for a durable whose subscriber is away, and is settled like any event", async (scene) => {
      const [from, to] = await scene.openBoth();
      const first = await scene.subscribe(to, { durable: "away" });
      const message = scene.message();
      await from.publish(message);
      await first.until(message);
      await first.stop();
      const [replayed] = again(scene, "away", [message]);
      if (replayed === undefined) throw new Error("nothing to replay");
      await harness.replay([replayed]);
      const second = await scene.subscribe(to, { durable: "away" }, ({ deliveryCount, settle }) =>
        settle(deliveryCount === 1 ? nakAfter(20) : ACK),
      );
      await second.until(replayed, 2);
      expect(second.deliveries.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 2]);
    });

    check("reaches a durable whatever pattern it has, being meant for it", async (scene) => {
      const [from, to] = await scene.openBoth();
      const received = await scene.subscribe(to, { durable: "narrow", pattern: `${scene.topic}wanted` });
      const [outside, inside] = [scene.message(), scene.message({ name: `${scene.topic}wanted` })];
      await publishAll(from, [outside, inside]);
      await received.until(inside);
      const replayed = again(scene, "narrow", [outside, inside]);
      await harness.replay(replayed);
      await received.until(replayed);
      expect(received.ids).toEqual(idsOf([inside, ...replayed]));
    });
  });
}
