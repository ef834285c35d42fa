import { type Message, newEventId } from "@adaos/core";
import type { NodeAddress, OnDelivery } from "@adaos/core/wire";
import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { ACK } from "../received.ts";
import { replyTo, textOf } from "../replies.ts";
import { type Check, testsOf } from "../tests-of.ts";

/** An at-most-once command reaches current listeners only, and its reply comes back. */
export function describeAsk(harness: TransportHarness): void {
  const check = testsOf(harness);
  const isWithin = harness.publishers[0].subnet === harness.subscribers[0].subnet;
  describe.concurrent("ask", () => {
    if (isWithin) {
      checkAnswered(check, harness);
      checkNobody(check, harness);
      checkNames(check, harness);
    } else checkAcross(check);
  });
}

function checkAnswered(check: Check, { publishers, subscribers }: TransportHarness): void {
  check("is answered with the bytes that its handler sends, and neither is stored", async (scene) => {
    const [, to] = await scene.openBoth();
    const from = await scene.open(publishers[0]);
    const taken = await scene.subscribe(to, { answers: true }, answering(subscribers[0]));
    const command = scene.message();
    const reply = await from.ask(command, scene.limit(), any);
    expect(textOf(reply)).toContain("answered");
    const [delivery] = taken.deliveries;
    expect(delivery).toMatchObject({ stream: "", seq: 0, deliveryCount: 1 });
    expect(delivery?.message.subject).toBe(command.subject);
    expect(delivery?.message.id).toBe(command.id);
    expect(Buffer.from(delivery?.message.body ?? [])).toEqual(Buffer.from(command.body));
    // The durable that starts with all events gets the next published one first.
    const later = scene.message();
    const all = await scene.subscribe(to, { durable: "all", startAt: "all" });
    await from.publish(later);
    await all.until(later);
    expect(all.ids).toEqual([later.id]);
  });

  check(
    "goes to one subscription of each durable that answers, and to nobody who only looks on",
    async (scene) => {
      const [, to] = await scene.openBoth();
      const [from, other] = [await scene.open(publishers[0]), await scene.open(subscribers[0])];
      const both = scene.tally(answering(subscribers[0]));
      await scene.subscribe(to, { durable: "shared", answers: true }, both.take);
      await scene.subscribe(other, { durable: "shared", answers: true }, both.take);
      const alone = await scene.subscribe(to, { durable: "alone", answers: true });
      const looking = await scene.subscribe(to, { durable: "looking" });
      const commands = scene.messages(20);
      await Promise.all(commands.map((command) => from.ask(command, scene.limit(), any)));
      await alone.until(commands);
      expect(both.ids.toSorted()).toEqual(commands.map(({ id }) => id).toSorted());
      expect(alone.ids).toHaveLength(20);
      expect(looking.ids).toEqual([]);
    },
  );

  check(
    "goes on waiting while what comes is not accepted, and ends with its signal's reason",
    async (scene) => {
      const [, to] = await scene.openBoth();
      const from = await scene.open(publishers[0]);
      await scene.subscribe(to, { answers: true }, (delivery) => {
        for (const text of ["bad", "good"])
          delivery.answer?.(replyTo(delivery.message, subscribers[0], text));
        delivery.settle(ACK);
      });
      const good = (reply: Message): boolean => textOf(reply).includes("good");
      expect(textOf(await from.ask(scene.message(), scene.limit(), good))).toContain("good");
      const reason = new Error("no patience");
      const stop = new AbortController();
      const unanswered = from.ask(scene.message(), stop.signal, () => false);
      setTimeout(() => stop.abort(reason), 50);
      await expect(unanswered).rejects.toBe(reason);
    },
  );
}

function checkNobody(check: Check, { publishers, subscribers }: TransportHarness): void {
  check(
    "is told at once that nobody listens: there is no durable, or its subscription has stopped",
    async (scene) => {
      const [, to] = await scene.openBoth();
      const from = await scene.open(publishers[0]);
      await expect(from.ask(scene.message(), scene.limit(), any)).rejects.toMatchObject({
        code: "no-handler",
      });
      await scene.subscribe(to, { durable: "looking" });
      await expect(from.ask(scene.message(), scene.limit(), any)).rejects.toMatchObject({
        code: "no-handler",
      });
      const taken = await scene.subscribe(to, { answers: true }, answering(subscribers[0]));
      await from.ask(scene.message(), scene.limit(), any);
      await taken.stop(0);
      await expect(from.ask(scene.message(), scene.limit(), any)).rejects.toMatchObject({
        code: "no-handler",
      });
      expect(taken.ids).toHaveLength(1);
    },
  );

  check("is not given to a durable that takes the commands of another node only", async (scene) => {
    const [, to] = await scene.openBoth();
    const [one, other] = [await scene.open(publishers[0]), await scene.open(publishers[1])];
    const from = publishers[1];
    const taken = await scene.subscribe(to, { answers: true, from }, answering(subscribers[0]));
    await expect(one.ask(scene.message(), scene.limit(), any)).rejects.toMatchObject({ code: "no-handler" });
    await other.ask(scene.message({ from }), scene.limit(), any);
    expect(taken.ids).toHaveLength(1);
  });

  check("waits at a stop until what was taken has ended", async (scene) => {
    const [, to] = await scene.openBoth();
    const from = await scene.open(publishers[0]);
    let answer = (): void => undefined;
    const taken = await scene.subscribe(to, { answers: true }, (delivery) => {
      answer = () => answering(subscribers[0])(delivery);
    });
    const command = scene.message();
    const reply = from.ask(command, scene.limit(), any);
    await taken.until(command);
    const stopped = taken.stop(scene.harness.limitMs);
    setTimeout(answer, 50);
    await stopped;
    expect(textOf(await reply)).toContain("answered");
  });
}

function checkNames(check: Check, { publishers, subscribers }: TransportHarness): void {
  check("is neither sent nor answered under another node's name", async (scene) => {
    const [, to] = await scene.openBoth();
    const from = await scene.open(publishers[0]);
    let refusal: unknown;
    await scene.subscribe(to, { answers: true }, (delivery) => {
      try {
        delivery.answer?.(replyTo(delivery.message, subscribers[1], "forged"));
      } catch (thrown) {
        refusal = thrown;
      }
      answering(subscribers[0])(delivery);
    });
    expect(textOf(await from.ask(scene.message(), scene.limit(), any))).toContain("answered");
    // Where a server refuses, the refusal may not reach the waiting caller.
    if (refusal !== undefined) expect(refusal).toMatchObject({ code: "denied" });
    const forged = scene.message({ from: publishers[1] });
    await expect(from.ask(forged, scene.limit(), any)).rejects.toMatchObject({ code: "denied" });
  });
}

function checkAcross(check: Check): void {
  check("does not cross the root", async (scene) => {
    const [from, to] = await scene.openBoth();
    const taken = await scene.subscribe(to, { answers: true });
    await expect(from.ask(scene.message(), scene.limit(), any)).rejects.toMatchObject({ code: "no-handler" });
    expect(taken.ids).toEqual([]);
  });
}

const any = (): boolean => true;

function answering(as: NodeAddress): OnDelivery {
  return (delivery) => {
    delivery.answer?.(replyTo(delivery.message, as, `answered ${newEventId(Date.now())}`));
    delivery.settle(ACK);
  };
}
