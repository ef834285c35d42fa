import { newEventId } from "@adaos/core";
import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { replyTo, textOf } from "../replies.ts";
import { type Check, testsOf } from "../tests-of.ts";

/** A reply reaches its requester, from any subnet, and nobody else. */
export function describeRequest(harness: TransportHarness): void {
  const check = testsOf(harness);
  describe.concurrent("request", () => {
    checkReplies(check, harness);
    checkHandlers(check, harness);
  });
}

function checkReplies(check: Check, { publishers, subscribers }: TransportHarness): void {
  check("is answered with the bytes that its handler's node publishes", async (scene) => {
    const [, to] = await scene.openBoth();
    const from = await scene.open(publishers[0]);
    const received = await scene.subscribe(to, { answers: true });
    const command = scene.message();
    const reply = from.awaitReply(command.id, scene.limit(), any);
    await from.publish(command);
    await received.until(command);
    const answer = replyTo(command, subscribers[0], "first");
    await to.publish(answer);
    const got = await reply;
    expect(Buffer.from(got.body)).toEqual(Buffer.from(answer.body));
    expect(got.subject.split(".").slice(1)).toEqual(answer.subject.split(".").slice(1));
  });

  check("goes to who asked, not to the other who waits", async (scene) => {
    const [, to] = await scene.openBoth();
    const [one, other] = [await scene.open(publishers[0]), await scene.open(publishers[1])];
    const [command, others] = [scene.message(), scene.message({ from: publishers[1] })];
    const replies = [
      one.awaitReply(command.id, scene.limit(), any),
      other.awaitReply(others.id, scene.limit(), any),
      // The same node, another request.
      one.awaitReply(newEventId(Date.now()), AbortSignal.timeout(1000), any).catch(() => "none"),
    ];
    await to.publish(replyTo(others, subscribers[0], "to the other"));
    await to.publish(replyTo(command, subscribers[0], "to the one"));
    const [first, second, third] = await Promise.all(replies);
    expect(textOf(first)).toContain("to the one");
    expect(textOf(second)).toContain("to the other");
    expect(third).toBe("none");
  });

  check("takes the first reply, and ends with its signal's reason when there is none", async (scene) => {
    const [, to] = await scene.openBoth();
    const from = await scene.open(publishers[0]);
    const command = scene.message();
    const reply = from.awaitReply(command.id, scene.limit(), any);
    // As a request does: once the command is stored, the server knows the listener.
    await from.publish(command);
    await to.publish(replyTo(command, subscribers[0], "first"));
    await to.publish(replyTo(command, subscribers[0], "second"));
    expect(textOf(await reply)).toContain("first");
    const reason = new Error("no patience");
    const unanswered = from.awaitReply(newEventId(Date.now()), AbortSignal.abort(reason), any);
    await expect(unanswered).rejects.toBe(reason);
  });

  check("goes on waiting while what comes is not accepted", async (scene) => {
    const [, to] = await scene.openBoth();
    const from = await scene.open(publishers[0]);
    const command = scene.message();
    const reply = from.awaitReply(command.id, scene.limit(), (message) => textOf(message).includes("good"));
    // As a request does: once the command is stored, the server knows the listener.
    await from.publish(command);
    await to.publish(replyTo(command, subscribers[0], "bad"));
    await to.publish(replyTo(command, subscribers[0], "good"));
    expect(textOf(await reply)).toContain("good");
  });

  check("is not answered under another node's name", async (scene) => {
    const [, to] = await scene.openBoth();
    const from = await scene.open(publishers[0]);
    const command = scene.message();
    const reply = from.awaitReply(command.id, scene.limit(), any);
    const forged = replyTo(command, subscribers[1], "forged");
    await expect(to.publish(forged)).rejects.toMatchObject({ code: "denied" });
    await to.publish(replyTo(command, subscribers[0], "true"));
    expect(textOf(await reply)).toContain("true");
  });
}

function checkHandlers(check: Check, { traits, publishers }: TransportHarness): void {
  const told = traits.knowsHandlers ? "none" : "unknown";
  check(`is told ${told} of a command that nobody answers`, async (scene) => {
    const [, to] = await scene.openBoth();
    const from = await scene.open(publishers[0]);
    const { subject } = scene.message();
    expect(await from.handlersOf(subject)).toBe(told);
    // Who only looks on is no handler.
    await scene.subscribe(to, { durable: "looker" });
    expect(await from.handlersOf(subject)).toBe(told);
  });

  check("is not told none where somebody answers", async (scene) => {
    const [, to] = await scene.openBoth();
    const from = await scene.open(publishers[0]);
    await scene.subscribe(to, { answers: true });
    expect(await from.handlersOf(scene.message().subject)).toBe(traits.knowsHandlers ? "some" : "unknown");
  });
}

const any = (): boolean => true;
