import { type Delivery, type Message, parseEventPattern, type SubscribeOptions } from "@adaos/core";
import { formatSubject } from "@adaos/core/wire";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LocalBroker, type LocalBrokerOptions } from "./local-broker.ts";
import { LocalTransport } from "./local-transport.ts";

/*
 * The conformance suite tests the duties of every transport. These tests cover only this adapter: settings,
 * limits, and its life within one process.
 */

const OPTIONS: SubscribeOptions = {
  durable: "main",
  pattern: parseEventPattern("ui."),
  from: {},
  maxAckPending: 100,
  startAt: "new",
  answers: false,
};

function messageOf(id: string, body = new Uint8Array()): Message {
  const subject = formatSubject({ subnet: "alpha", node: "kitchen", name: "ui.notify", version: 1 });
  return { subject, id, headers: {}, body };
}

function open(options: Omit<LocalBrokerOptions, "subnet"> = {}): LocalTransport {
  return new LocalTransport(new LocalBroker({ subnet: "alpha", ...options }), { node: "kitchen" });
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("LocalBroker", () => {
  test.each([
    [{ subnet: "Alpha" }, "subnet"],
    [{ subnet: "alpha", maxMessages: 0 }, "maxMessages"],
    [{ subnet: "alpha", maxBytes: 1.5 }, "maxBytes"],
    [{ subnet: "alpha", duplicateWindowMs: -1 }, "duplicateWindowMs"],
    [{ subnet: "alpha", ackWaitMs: 0 }, "ackWaitMs"],
  ])("refuses the settings %j", (options, name) => {
    expect(() => new LocalBroker(options)).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringContaining(name) }),
    );
  });

  test("holds so many messages and no more", async () => {
    const transport = open({ maxMessages: 2 });
    await transport.publish(messageOf("one"));
    await transport.publish(messageOf("two"));
    await expect(transport.publish(messageOf("three"))).rejects.toMatchObject({ code: "backpressure" });
    // What it knows needs no room.
    expect(await transport.publish(messageOf("two"))).toMatchObject({ seq: 2, duplicate: true });
  });

  test("counts bodies, subjects and ids as bytes", async () => {
    const bytes = 100 + messageOf("one").subject.length + "one".length;
    await open({ maxBytes: bytes }).publish(messageOf("one", new Uint8Array(100)));
    const refused = open({ maxBytes: bytes - 1 }).publish(messageOf("one", new Uint8Array(100)));
    await expect(refused).rejects.toMatchObject({ code: "backpressure" });
  });

  test("refuses a subject that is no event's", async () => {
    const refused = open().publish({ ...messageOf("one"), subject: "evt.alpha.kitchen.*.v1" });
    await expect(refused).rejects.toMatchObject({ code: "invalid-event" });
  });
});

describe("LocalTransport", () => {
  test("delivers after publish() has resolved, never within it", async () => {
    const transport = open();
    const taken: Delivery[] = [];
    await transport.subscribe(OPTIONS, (delivery) => taken.push(delivery));
    await transport.publish(messageOf("one"));
    expect(taken).toEqual([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(taken).toHaveLength(1);
  });

  test("lets timers run though a handler publishes the next event for ever", async () => {
    vi.useRealTimers();
    const transport = open();
    let published = 0;
    await transport.subscribe(OPTIONS, ({ settle }) => {
      settle({ kind: "ack" });
      // Rejects when it is closed.
      transport.publish(messageOf(`${published++}`)).catch(() => undefined);
    });
    await transport.publish(messageOf("first"));
    await vi.waitFor(() => expect(published).toBeGreaterThan(1000));
    await transport.close();
  });

  test("waits five seconds by default for the settlement of a subscription that has ended", async () => {
    const transport = open();
    const counts: number[] = [];
    const first = await transport.subscribe(OPTIONS, () => undefined);
    await transport.publish(messageOf("one"));
    await vi.advanceTimersByTimeAsync(0);
    const stopping = first.stop(0);
    await vi.advanceTimersByTimeAsync(0);
    await stopping;
    await transport.subscribe(OPTIONS, ({ deliveryCount }) => counts.push(deliveryCount));
    await vi.advanceTimersByTimeAsync(4990);
    expect(counts).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect(counts).toEqual([2]);
  });

  test("closes after ten seconds whatever is unsettled", async () => {
    const transport = open();
    await transport.subscribe(OPTIONS, () => undefined);
    await transport.publish(messageOf("one"));
    await vi.advanceTimersByTimeAsync(0);
    let closed = false;
    void transport.close().then(() => {
      closed = true;
    });
    await vi.advanceTimersByTimeAsync(9990);
    expect(closed).toBe(false);
    await vi.advanceTimersByTimeAsync(20);
    expect(closed).toBe(true);
  });

  test("keeps no process alive that only waits to be given something again", async () => {
    vi.useRealTimers();
    const transport = open();
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
    let given: Delivery | undefined;
    await transport.subscribe(OPTIONS, (delivery) => {
      given = delivery;
    });
    await transport.publish(messageOf("one"));
    await vi.waitFor(() => expect(given).toBeDefined());
    const before = timers();
    given?.settle({ kind: "nak", delayMs: 60_000 });
    expect(timers()).toBe(before);
  });
});
