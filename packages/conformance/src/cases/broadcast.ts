import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { idsOf, publishAll } from "../scene.ts";
import { testsOf } from "../tests-of.ts";

/** Every node gets every event; `durable` tests how the transports of one node share them. */
export function describeBroadcast(harness: TransportHarness): void {
  const check = testsOf(harness);
  describe.concurrent("broadcast", () => {
    check("reaches every node that has a durable, in order, and each but once", async (scene) => {
      const [from, to] = await scene.openBoth();
      const other = await scene.open(harness.subscribers[1]);
      const here = await scene.subscribe(to);
      const there = await scene.subscribe(other);
      const messages = scene.messages(20);
      await publishAll(from, messages);
      await Promise.all([here.until(messages), there.until(messages)]);
      expect([here.ids, there.ids]).toEqual([idsOf(messages), idsOf(messages)]);
    });

    check("waits for a node that was away", async (scene) => {
      const [from, to] = await scene.openBoth();
      const away = await scene.open(harness.subscribers[1]);
      const here = await scene.subscribe(to);
      await (await scene.subscribe(away)).stop();
      const messages = scene.messages(5);
      await publishAll(from, messages);
      await here.until(messages);
      const back = await scene.subscribe(away);
      await back.until(messages);
      expect(back.ids).toEqual(idsOf(messages));
    });
  });
}
