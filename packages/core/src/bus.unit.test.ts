import { LocalMarks } from "@adaos/transport-local";
import { describe, expect, test, vi } from "vitest";
import {
  contractOf,
  envelopeOf,
  messageOfEnvelope,
  NO_DOCUMENTS,
  NO_TIMERS,
  RecordingJournal,
  RecordingLog,
  registryOf,
  TestDelivery,
} from "../../../test/kit/stand-ins.ts";
import { Bus, type BusOptions } from "./bus.ts";
import type { RetryOptions } from "./handle/retry-policy.ts";
import { decodeEnvelope, type Envelope } from "./language/envelope.ts";
import { MeshError } from "./language/errors.ts";
import { parseEventPattern } from "./language/event-pattern.ts";
import { Policy, type PolicyRule, type PolicyVerb } from "./policy/policy.ts";
import type {
  Message,
  OnDelivery,
  OutboxStatus,
  PublishReceipt,
  SendOptions,
  SubscribeOptions,
  Subscription,
  Transport,
} from "./transport.ts";
import { OUTBOX_STREAM } from "./wire/names.ts";

interface Carried {
  readonly options: SubscribeOptions;
  readonly onDelivery: OnDelivery;
  readonly stops: (number | undefined)[];
}

/** Stores in an array, and hands over what a test gives it. */
class MemoryTransport implements Transport {
  readonly capabilities = { duplicateWindowMs: 0 };
  readonly stored: Message[] = [];
  readonly sendOptions: (SendOptions | undefined)[] = [];
  readonly carried: Carried[] = [];
  readonly calls: string[] = [];
  refusal: MeshError | undefined;
  stopFailure: Error | undefined;
  /** A subscribe waits for this. */
  ready: Promise<void> = Promise.resolve();

  outbox?: OutboxStatus;

  async publish(message: Message, options?: SendOptions): Promise<PublishReceipt> {
    if (this.refusal !== undefined) throw this.refusal;
    this.stored.push(message);
    this.sendOptions.push(options);
    const stream = this.outbox === undefined ? "EVENTS_alpha" : OUTBOX_STREAM;
    return { stream, seq: this.stored.length, duplicate: false };
  }

  async subscribe(options: SubscribeOptions, onDelivery: OnDelivery): Promise<Subscription> {
    await this.ready;
    if (this.refusal !== undefined) throw this.refusal;
    const carried: Carried = { options, onDelivery, stops: [] };
    this.carried.push(carried);
    return {
      stop: async (graceMs) => {
        carried.stops.push(graceMs);
        this.calls.push("stop");
        if (this.stopFailure !== undefined) throw this.stopFailure;
      },
    };
  }

  ask = (): Promise<Message> => new Promise(() => undefined);
  readonly timers = NO_TIMERS;
  readonly documents = NO_DOCUMENTS;
  async handlersOf(): Promise<"unknown"> {
    return "unknown";
  }

  awaitReply(_requestId: string, signal: AbortSignal): Promise<Message> {
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }

  async close(): Promise<void> {
    this.calls.push("close");
  }

  envelopes(): Envelope[] {
    return this.stored.map(({ body }) => decodeEnvelope(body));
  }
}

const address = { subnet: "alpha", node: "kitchen" };

function rule(verb: PolicyVerb, pattern: string): PolicyRule {
  return { id: `kitchen.${verb}`, effect: "allow", verb, ...address, pattern: parseEventPattern(pattern) };
}

function busOf(changes: Partial<BusOptions> = {}): { bus: Bus; transport: MemoryTransport } {
  const transport = new MemoryTransport();
  const bus = new Bus({
    address,
    transport,
    registry: registryOf(contractOf("ui.notify"), contractOf("ui.shown")),
    policy: new Policy([rule("publish", "ui."), rule("subscribe", "ui.notify")]),
    log: new RecordingLog(),
    journal: new RecordingJournal(),
    marks: new LocalMarks(),
    ...changes,
  });
  return { bus, transport };
}

const NO_STATS = {
  published: 0,
  queued: 0,
  handled: 0,
  repeated: 0,
  retried: 0,
  deadLettered: 0,
  held: 0,
  refused: 0,
  parked: 0,
  failed: 0,
};
const TEA = { text: "Tea is ready" };
const nothing = (): void => undefined;

describe("Bus.publish()", () => {
  test("says and counts what waits in its transport's outbox", async () => {
    const { bus, transport } = busOf();
    expect(bus.outbox).toBeUndefined();
    transport.outbox = { waiting: 1, bytes: 300, refused: 0 };
    expect((await bus.publish("ui.notify", TEA)).stream).toBe("outbox");
    expect(bus.stats).toMatchObject({ published: 1, queued: 1 });
    expect(bus.outbox).toEqual({ waiting: 1, bytes: 300, refused: 0 });
  });

  test("stores the event, tells where it lies and counts it", async () => {
    const { bus, transport } = busOf();
    const published = await bus.publish("ui.notify", TEA);
    expect(published).toEqual({
      eventId: transport.stored[0]?.id,
      subject: "evt.alpha.kitchen.ui.notify.v1",
      stream: "EVENTS_alpha",
      seq: 1,
      duplicate: false,
    });
    expect(transport.envelopes()).toMatchObject([{ data: TEA, source: "app@kitchen", tenant: "default" }]);
    expect(bus.stats).toEqual({ ...NO_STATS, published: 1 });
  });

  test("takes component and tenant from its options", async () => {
    const { bus, transport } = busOf({ component: "skill.ui", tenant: "t" });
    await bus.publish("ui.notify", TEA);
    expect(transport.envelopes()).toMatchObject([{ source: "skill.ui@kitchen", tenant: "t" }]);
  });

  test("stores what is published in one tick in the order of the calls", async () => {
    const { bus, transport } = busOf();
    await Promise.all(Array.from({ length: 50 }, (_, n) => bus.publish("ui.notify", { text: `${n}` })));
    const texts = transport.envelopes().map(({ data }) => (data as typeof TEA).text);
    expect(texts).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`));
  });

  test("rejects what policy denies, naming the rule, and stores nothing", async () => {
    const { bus, transport } = busOf();
    await expect(bus.publish("nlp.intent", {})).rejects.toMatchObject({
      code: "denied",
      rule: "default-deny",
    });
    expect(transport.stored).toEqual([]);
  });

  test("rejects as the transport does, the very error, and does not count it", async () => {
    const { bus, transport } = busOf();
    transport.refusal = new MeshError("backpressure", "full");
    await expect(bus.publish("ui.notify", TEA)).rejects.toBe(transport.refusal);
    expect(bus.stats.published).toBe(0);
  });

  test("sends no trace headers without tracing", async () => {
    const { bus, transport } = busOf();
    await bus.publish("ui.notify", TEA);
    expect(transport.stored[0]?.headers).toEqual({});
  });
});

describe("Bus.subscribe()", () => {
  test("asks the transport for the durable with the defaults", async () => {
    const { bus, transport } = busOf();
    await bus.subscribe("ui.notify", { durable: "d" }, nothing);
    expect(transport.carried[0]?.options).toEqual({
      durable: "d",
      pattern: parseEventPattern("ui.notify"),
      from: {},
      maxAckPending: 256,
      startAt: "new",
      answers: true,
    });
  });

  test.each([
    [1, 128],
    [9, 144],
    [62, 992],
    [63, 1000],
    [1000, 1000],
  ])("has %d handlers wait on at most %d deliveries", async (maxConcurrency, maxAckPending) => {
    const { bus, transport } = busOf();
    await bus.subscribe("ui.notify", { durable: "d", maxConcurrency }, nothing);
    expect(transport.carried[0]?.options.maxAckPending).toBe(maxAckPending);
  });

  test("rejects what policy denies, naming the rule, and asks the transport nothing", async () => {
    const { bus, transport } = busOf();
    await expect(bus.subscribe("ui.", { durable: "d" }, nothing)).rejects.toMatchObject({
      code: "denied",
      rule: "default-deny",
      message: expect.stringContaining("alpha/kitchen may not subscribe ui."),
    });
    expect(transport.carried).toEqual([]);
  });

  test.each([
    ["a pattern that is none", "ui", { durable: "d" }],
    ["a version that is none", "ui.notify@x", { durable: "d" }],
    ["an empty durable", "ui.notify", { durable: "" }],
    ["a durable with a dot", "ui.notify", { durable: "a.b" }],
    ["a durable with a wildcard", "ui.notify", { durable: "*" }],
    ["a durable of 64 characters", "ui.notify", { durable: "a".repeat(64) }],
    ["no handlers at all", "ui.notify", { durable: "d", maxConcurrency: 0 }],
    ["half a handler", "ui.notify", { durable: "d", maxConcurrency: 1.5 }],
    ["1001 handlers", "ui.notify", { durable: "d", maxConcurrency: 1001 }],
    ["a time of 99 ms", "ui.notify", { durable: "d", timeoutMs: 99 }],
    ["a time without end", "ui.notify", { durable: "d", timeoutMs: Number.POSITIVE_INFINITY }],
  ])("rejects %s as usage", async (_, pattern, options) => {
    await expect(busOf().bus.subscribe(pattern, options, nothing)).rejects.toMatchObject({ code: "usage" });
  });

  test("hands events to the handler, settles them and counts what became of each", async () => {
    const { bus, transport } = busOf();
    await bus.subscribe("ui.notify", { durable: "d" }, ({ data }) => {
      if (data.text === "bad") throw new Error("x");
    });
    const deliveries = ["good", "bad", "good"].map((text, i) => {
      const event_id = `EVT-20250923-162000-00000000000${i}`;
      return new TestDelivery(messageOfEnvelope(envelopeOf({ event_id, data: { text } })), i);
    });
    const broken = new TestDelivery({ ...messageOfEnvelope(envelopeOf()), body: new Uint8Array() });
    for (const delivery of [...deliveries, broken]) transport.carried[0]?.onDelivery(delivery);
    const stats = { ...NO_STATS, handled: 2, retried: 1, deadLettered: 1, refused: 1 };
    await vi.waitFor(() => expect(bus.stats).toEqual(stats));
    const kinds = [...deliveries, broken].map(({ settlements }) => settlements.map(({ kind }) => kind));
    expect(kinds).toEqual([["ack"], ["nak"], ["ack"], ["term"]]);
  });

  test.each<[what: string, retry: RetryOptions]>([
    ["a preset that does not exist", "p2" as "p1"],
    ["less than no retries", { maxRetries: -1 }],
    ["a list without waits", { strategy: "list" }],
  ])("rejects a retry policy of %s as usage, and asks the transport nothing", async (_, retry) => {
    const { bus, transport } = busOf();
    await expect(bus.subscribe("ui.notify", { durable: "d", retry }, nothing)).rejects.toMatchObject({
      code: "usage",
    });
    expect(transport.carried).toEqual([]);
  });

  test("retries and classifies as its options say, and keeps failures in its journal", async () => {
    const journal = new RecordingJournal();
    const { bus, transport } = busOf({ journal });
    const fail = (): never => {
      throw new Error("x");
    };
    await bus.subscribe("ui.notify", { durable: "a", retry: { baseMs: 7, jitter: 0 } }, fail);
    await bus.subscribe("ui.notify", { durable: "b", retry: { maxRetries: 0 } }, fail);
    await bus.subscribe("ui.notify", { durable: "c", classify: [() => "permanent"] }, fail);
    const deliveries = transport.carried.map(({ onDelivery }) => {
      const delivery = new TestDelivery();
      onDelivery(delivery);
      return delivery;
    });
    await vi.waitFor(() => expect(bus.stats).toEqual({ ...NO_STATS, retried: 1, deadLettered: 2 }));
    expect(deliveries[0]?.settlements).toEqual([{ kind: "nak", delayMs: 14 }]);
    expect(journal.deadLetters.map(({ node, durable, rule }) => [node, durable, rule])).toEqual([
      ["alpha/kitchen", "b", "none"],
      ["alpha/kitchen", "c", "user rule 0"],
    ]);
  });

  test("counts what its journal refuses as held", async () => {
    const journal = new RecordingJournal();
    journal.refusal = new MeshError("unavailable", "no hub");
    const { bus, transport } = busOf({ journal });
    await bus.subscribe("ui.notify", { durable: "d", retry: { maxRetries: 0 } }, () => {
      throw new Error("x");
    });
    transport.carried[0]?.onDelivery(new TestDelivery());
    await vi.waitFor(() => expect(bus.stats).toEqual({ ...NO_STATS, held: 1 }));
  });

  test("lets what a handler publishes inherit the correlation and name its cause", async () => {
    const { bus, transport } = busOf();
    await bus.subscribe("ui.notify", { durable: "d" }, async () => {
      await Promise.resolve();
      await bus.publish("ui.shown", {});
    });
    const handled = envelopeOf({ correlation_id: "c-42" });
    transport.carried[0]?.onDelivery(new TestDelivery(messageOfEnvelope(handled)));
    await vi.waitFor(() => expect(transport.stored).toHaveLength(1));
    expect(transport.envelopes()).toMatchObject([{ correlation_id: "c-42", causation_id: handled.event_id }]);
  });

  test("stops: hands back what waits and passes the grace on", async () => {
    const { bus, transport } = busOf();
    const subscription = await bus.subscribe(
      "ui.notify",
      { durable: "d", maxConcurrency: 1 },
      () => new Promise(() => undefined),
    );
    const deliveries = [new TestDelivery(), new TestDelivery()];
    for (const delivery of deliveries) transport.carried[0]?.onDelivery(delivery);
    await subscription.stop(123);
    expect(deliveries.map(({ settlements }) => settlements)).toEqual([[], [{ kind: "nak", delayMs: 200 }]]);
    expect(transport.carried[0]?.stops).toEqual([123]);
  });

  test("rejects as the transport does", async () => {
    const { bus, transport } = busOf();
    transport.refusal = new MeshError("unavailable", "no hub");
    await expect(bus.subscribe("ui.notify", { durable: "d" }, nothing)).rejects.toBe(transport.refusal);
  });

  test("rejects with closed, and stops what it got, when the bus was closed meanwhile", async () => {
    const { bus, transport } = busOf();
    let setReady = nothing;
    transport.ready = new Promise((resolve) => {
      setReady = resolve;
    });
    const subscribing = bus.subscribe("ui.notify", { durable: "d" }, nothing);
    const rejected = expect(subscribing).rejects.toMatchObject({ code: "closed" });
    await bus.close();
    setReady();
    await rejected;
    expect(transport.carried[0]?.stops).toHaveLength(1);
  });
});

describe("Bus.close()", () => {
  test("stops subscriptions, then disconnects, then tells", async () => {
    let calls: string[] = [];
    const { bus, transport } = busOf({ onClosed: async () => void calls.push("closed") });
    calls = transport.calls;
    await bus.subscribe("ui.notify", { durable: "a" }, nothing);
    await bus.subscribe("ui.notify", { durable: "b" }, nothing);
    await bus.close();
    expect(calls).toEqual(["stop", "stop", "close", "closed"]);
  });

  test("is safe to call twice: everything happens once and both wait for it", async () => {
    const { bus, transport } = busOf();
    await bus.subscribe("ui.notify", { durable: "a" }, nothing);
    await Promise.all([bus.close(), bus.close()]);
    await bus.close();
    expect(transport.calls).toEqual(["stop", "close"]);
  });

  test("does not stop again what was stopped before", async () => {
    const { bus, transport } = busOf();
    await (await bus.subscribe("ui.notify", { durable: "a" }, nothing)).stop();
    await bus.close();
    expect(transport.calls).toEqual(["stop", "close"]);
  });

  test("lets nobody publish or subscribe from its first moment", async () => {
    const { bus, transport } = busOf();
    const closing = bus.close();
    await expect(bus.publish("ui.notify", TEA)).rejects.toMatchObject({ code: "closed" });
    await expect(bus.subscribe("ui.notify", { durable: "d" }, nothing)).rejects.toMatchObject({
      code: "closed",
    });
    await closing;
    expect([transport.stored, transport.carried]).toEqual([[], []]);
  });

  test("disconnects and tells also when a subscription cannot be stopped", async () => {
    let calls: string[] = [];
    const { bus, transport } = busOf({ onClosed: async () => void calls.push("closed") });
    calls = transport.calls;
    await bus.subscribe("ui.notify", { durable: "a" }, nothing);
    transport.stopFailure = new Error("x");
    await expect(bus.close()).rejects.toBe(transport.stopFailure);
    expect(transport.calls).toEqual(["stop", "close", "closed"]);
  });
});

describe("Bus.request()", () => {
  test("sends a command only now, and is told when that cannot be", async () => {
    const registry = registryOf(
      contractOf("ui.ask", { kind: "command" }),
      contractOf("ui.ask.result", { kind: "reply" }),
    );
    const { bus, transport } = busOf({ registry });
    await expect(bus.request("ui.ask", TEA, { timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
    expect(transport.sendOptions).toEqual([{ onlyNow: true }]);
    transport.refusal = new MeshError("unavailable", "the hub is away");
    await expect(bus.request("ui.ask", TEA)).rejects.toBe(transport.refusal);
  });
});
