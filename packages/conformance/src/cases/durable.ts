import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { ACK, hold } from "../received.ts";
import { idsOf, publishAll } from "../scene.ts";
import { type Check, testsOf } from "../tests-of.ts";
import { checkFilters } from "./durable-filter.ts";
import { checkSubscribeRefusals } from "./refused/subscribe.ts";

/** The position of a durable, the messages that it matches, and how it is shared. */
export function describeDurable(harness: TransportHarness): void {
  const check = testsOf(harness);
  describe.concurrent("durable", () => {
    checkPosition(check, harness);
    checkOwners(check, harness);
    checkCompetition(check, harness);
    checkFilters(check, harness);
    checkSubscribeRefusals(check, harness);
  });
}

function checkPosition(check: Check, { subscribers }: TransportHarness): void {
  check("that is new begins with what is published from now on, or with all there is", async (scene) => {
    const [from, to] = await scene.openBoth();
    const [before, after] = [scene.message(), scene.message()];
    await from.publish(before);
    const all = await scene.subscribe(to, { durable: "all", startAt: "all" });
    // Only now it is certainly before the start of the other.
    await all.until(before);
    const fresh = await scene.subscribe(to, { durable: "new", startAt: "new" });
    await from.publish(after);
    await Promise.all([all.until(after), fresh.until(after)]);
    expect(all.ids).toEqual(idsOf([before, after]));
    expect(fresh.ids).toEqual(idsOf([after]));
  });

  for (const startAt of ["new", "all"] as const) {
    check(`that exists goes on where it was, also when ${startAt} is asked for`, async (scene) => {
      const [from, to] = await scene.openBoth();
      const [handled, missed, next] = [scene.message(), scene.message(), scene.message()];
      const first = await scene.subscribe(to);
      await from.publish(handled);
      await first.until(handled);
      // Its connection ends too: the position belongs to the durable.
      await to.close();
      await from.publish(missed);
      const second = await scene.subscribe(await scene.open(subscribers[0]), { startAt });
      await from.publish(next);
      await second.until([missed, next]);
      expect(second.ids).toEqual(idsOf([missed, next]));
    });
  }
}

function checkOwners(check: Check, { subscribers }: TransportHarness): void {
  check("is its node's own: another node's of the same name is another", async (scene) => {
    const [from, to] = await scene.openBoth();
    const other = await scene.open(subscribers[1]);
    const both = [await scene.subscribe(to), await scene.subscribe(other)];
    const messages = scene.messages(20);
    await publishAll(from, messages);
    for (const received of both) {
      await received.until(messages);
      expect(received.ids).toEqual(idsOf(messages));
    }
  });

  check("does not take anything from another of the same node", async (scene) => {
    const [from, to] = await scene.openBoth();
    const busy = await scene.subscribe(to, { durable: "busy", maxAckPending: 1 }, hold);
    const idle = await scene.subscribe(to, { durable: "idle" });
    const messages = scene.messages(20);
    await publishAll(from, messages);
    await idle.until(messages);
    expect(idle.ids).toEqual(idsOf(messages));
    await busy.until(messages.slice(0, 1));
  });
}

function checkCompetition(check: Check, { subscribers }: TransportHarness): void {
  check("gives each message to one of those who share it, and all to who is left", async (scene) => {
    const [from, to] = await scene.openBoth();
    const both = scene.tally();
    const one = await scene.subscribe(to, {}, both.take);
    const two = await scene.subscribe(await scene.open(subscribers[0]), {}, both.take);
    const messages = scene.messages(100);
    await publishAll(from, messages);
    await both.until(messages);
    expect(both.ids.sort()).toEqual(idsOf(messages).sort());
    await one.stop();
    const later = scene.messages(20);
    await publishAll(from, later);
    await two.until(later);
    expect(two.ids.slice(-20)).toEqual(idsOf(later));
  });

  check("gives something to each of those who share it", async (scene) => {
    const [from, to] = await scene.openBoth();
    const one = await scene.subscribe(to, {}, hold);
    const two = await scene.subscribe(await scene.open(subscribers[0]), {}, hold);
    await publishAll(from, scene.messages(100));
    await Promise.all([one.untilAny(), two.untilAny()]);
  });

  check("has at most maxAckPending unsettled, however many share it", async (scene) => {
    const [from, to] = await scene.openBoth();
    const both = scene.tally(hold);
    for (const transport of [to, await scene.open(subscribers[0])]) {
      await scene.subscribe(transport, { maxAckPending: 3 }, both.take);
    }
    // When this one has its messages, the other has all that it may get.
    const control = await scene.subscribe(to, { durable: "control" });
    const messages = scene.messages(9);
    await publishAll(from, messages);
    await control.until(messages);
    for (let settled = 0; settled < messages.length; settled++) {
      const given = messages.slice(0, settled + 3);
      await both.until(given);
      expect(both.deliveries).toHaveLength(given.length);
      both.deliveries[settled]?.settle(ACK);
    }
  });
}
