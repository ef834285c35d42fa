import { setImmediate as nextTick } from "node:timers/promises";
import type { Message, PublishReceipt } from "@adaos/core";
import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { ACK, nakAfter } from "../received.ts";
import { idsOf, publishAll } from "../scene.ts";
import { testsOf } from "../tests-of.ts";

/** The order of deliveries. */
export function describeOrder(harness: TransportHarness): void {
  const check = testsOf(harness);
  describe.concurrent("order", () => {
    check("is that of publishing: 1,000 in one tick", async (scene) => {
      const [from, to] = await scene.openBoth();
      const received = await scene.subscribe(to, { maxAckPending: 100 });
      const messages = scene.messages(1000);
      const receipts = await publishAll(from, messages);
      const seqs = receipts.map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      await received.until(messages);
      expect(received.ids).toEqual(idsOf(messages));
    });

    check("is that of publishing: one or a few in each of many ticks, none awaited", async (scene) => {
      const [from, to] = await scene.openBoth();
      const received = await scene.subscribe(to, { maxAckPending: 100 });
      const messages = scene.messages(300);
      const publishing: Promise<PublishReceipt[]>[] = [];
      for (let first = 0, size = 1; first < messages.length; first += size, size = (size % 7) + 1) {
        publishing.push(publishAll(from, messages.slice(first, first + size)));
        await nextTick();
      }
      await Promise.all(publishing);
      await received.until(messages);
      expect(received.ids).toEqual(idsOf(messages));
    });

    check("of each publisher is kept when two publish at once", async (scene) => {
      const { publishers, subscribers } = harness;
      const received = await scene.subscribe(await scene.open(subscribers[0]));
      const publish = async (node: (typeof publishers)[number]): Promise<Message[]> => {
        const from = await scene.open(node);
        const messages = scene.messages(100, { from: node });
        for (let i = 0; i < 100; i += 10) await publishAll(from, messages.slice(i, i + 10));
        return messages;
      };
      for (const messages of await Promise.all(publishers.map(publish))) {
        await received.until(messages);
        const wanted = new Set(idsOf(messages));
        expect(received.ids.filter((id) => wanted.has(id))).toEqual(idsOf(messages));
      }
    });

    check("survives a nak with one unsettled delivery at a time", async (scene) => {
      const [from, to] = await scene.openBoth();
      const received = await scene.subscribe(to, { maxAckPending: 1 }, ({ deliveryCount, settle }) =>
        settle(deliveryCount === 1 ? nakAfter(10) : ACK),
      );
      const messages = scene.messages(5);
      await publishAll(from, messages);
      await received.until(messages, 2);
      expect(received.ids).toEqual(idsOf(messages).flatMap((id) => [id, id]));
    });

    check("does not hold up what comes after a nak with more than one", async (scene) => {
      const [from, to] = await scene.openBoth();
      const [poison, ...others] = scene.messages(20) as [Message, ...Message[]];
      let othersSettled = 0;
      const received = await scene.subscribe(to, { maxAckPending: 2 }, ({ message, settle }) => {
        const isPoison = message.id === poison.id;
        // Ends only after its neighbours.
        if (isPoison && othersSettled < others.length) return settle(nakAfter(30));
        if (!isPoison) othersSettled++;
        settle(ACK);
      });
      await publishAll(from, [poison, ...others]);
      await received.until(others);
      expect(received.ids.filter((id) => id !== poison.id)).toEqual(idsOf(others));
      await received.until(poison, 2);
    });
  });
}
