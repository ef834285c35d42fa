import {
  type Delivery,
  MeshError,
  type Message,
  parseEventPattern,
  type SubscribeOptions,
} from "@adaos/core";
import type { OnDelivery } from "@adaos/core/wire";
import { headers as newHeaders } from "nats";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn } from "../../../test/kit/connection-stand-in.ts";
import { deliveryOf } from "../../../test/kit/durable-stand-in.ts";
import { RecordingLog } from "../../../test/kit/stand-ins.ts";
import { NatsTransport } from "./nats-transport.ts";

const NEXT = "$JS.API.CONSUMER.MSG.NEXT.EVENTS_alpha.kitchen_d";
const GRANTED = { stream: "EVENTS_alpha", consumer: "kitchen_d", ackWaitMs: 5000 };
const OPTIONS: SubscribeOptions = {
  durable: "d",
  pattern: parseEventPattern("ui."),
  from: { subnet: "beta" },
  maxAckPending: 16,
  startAt: "new",
  answers: false,
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

class Scene {
  readonly connection = new ConnectionStandIn();
  readonly transport = new NatsTransport(this.connection, {
    address: { subnet: "alpha", node: "kitchen" },
    log: new RecordingLog(),
  });
  /** Requests for a durable so far. */
  readonly asked: { subject: string; request: unknown }[] = [];
  reply: () => unknown = () => GRANTED;

  constructor() {
    this.connection.server = {
      onMessage: () => undefined,
      onRequest: (subject, text) => {
        if (!subject.startsWith("svc.")) return undefined;
        this.asked.push({ subject, request: JSON.parse(text) });
        return this.reply();
      },
    };
  }

  /** The outcome of a subscribe; undefined while it waits. */
  subscribe(onDelivery: OnDelivery = () => undefined): { ended: unknown } {
    const outcome: { ended: unknown } = { ended: undefined };
    this.transport.subscribe(OPTIONS, onDelivery).then(
      (subscription) => {
        outcome.ended = subscription;
      },
      (error: unknown) => {
        outcome.ended = error;
      },
    );
    return outcome;
  }

  pulls(): number {
    return this.connection.sent.filter(({ subject }) => subject === NEXT).length;
  }

  inbox(): string {
    return this.connection.sent.findLast(({ subject }) => subject === NEXT)?.reply ?? "";
  }
}

describe("NatsTransport.subscribe()", () => {
  test("asks the hub, in the member's own name, and pulls from what it grants", async () => {
    const scene = new Scene();
    const outcome = scene.subscribe();
    await vi.advanceTimersByTimeAsync(10);
    expect(scene.asked).toEqual([
      {
        subject: "svc.hub.kitchen.durable",
        request: {
          durable: "d",
          pattern: "ui.",
          from: { subnet: "beta" },
          maxAckPending: 16,
          startAt: "new",
          answers: false,
        },
      },
    ]);
    expect(outcome.ended).toHaveProperty("stop");
    expect(scene.pulls()).toBe(1);
  });

  test("hands over deliveries with id, trace, signature, place and time, and settles them", async () => {
    const scene = new Scene();
    const deliveries: Delivery[] = [];
    scene.subscribe((delivery) => deliveries.push(delivery));
    await vi.advanceTimersByTimeAsync(10);
    const headers = newHeaders();
    headers.set("Nats-Msg-Id", "EVT-1");
    headers.set("traceparent", "00-1");
    headers.set("Adaos-Signature", "k1 a b c");
    headers.set("Nats-Sequence", "9");
    scene.connection.deliver(scene.inbox(), { ...deliveryOf(7, 2), headers });
    await vi.advanceTimersByTimeAsync(1);
    expect(deliveries).toMatchObject([
      {
        message: {
          subject: "evt.alpha.desk.ui.notify.v1",
          id: "EVT-1",
          headers: { traceparent: "00-1", "Adaos-Signature": "k1 a b c" },
        },
        stream: "EVENTS_alpha",
        seq: 7,
        storedMs: 1_700_000_000_000,
        deliveryCount: 2,
      },
    ]);
    expect(new TextDecoder().decode(deliveries[0]?.message.body)).toBe("body 7");
    deliveries[0]?.settle({ kind: "ack" });
    await vi.advanceTimersByTimeAsync(1);
    expect(scene.connection.sent.at(-1)).toMatchObject({ subject: deliveryOf(7, 2).reply, text: "+ACK" });
  });

  test("rejects at once with the hub's refusal, its rule included", async () => {
    const scene = new Scene();
    scene.reply = () => ({ error: { code: "denied", message: "may not", rule: "default-deny" } });
    const outcome = scene.subscribe();
    await vi.advanceTimersByTimeAsync(10);
    expect(outcome.ended).toBeInstanceOf(MeshError);
    expect(outcome.ended).toMatchObject({ code: "denied", rule: "default-deny", message: "may not" });
    expect(scene.pulls()).toBe(0);
  });

  test("asks again while the hub is not ready", async () => {
    const scene = new Scene();
    scene.reply = () => ({ error: { code: "unavailable", message: "no stream yet" } });
    const outcome = scene.subscribe();
    await vi.advanceTimersByTimeAsync(3000);
    expect(outcome.ended).toBeUndefined();
    expect(scene.asked.length).toBeLessThan(20);
    scene.reply = () => GRANTED;
    await vi.advanceTimersByTimeAsync(1000);
    expect(outcome.ended).toHaveProperty("stop");
  });

  test("rejects with unavailable when no hub answers in 15 s", async () => {
    const scene = new Scene();
    scene.reply = () => undefined;
    const outcome = scene.subscribe();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(outcome.ended).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("durable d"),
    });
  });

  test("rejects with closed when the transport is closed meanwhile", async () => {
    const scene = new Scene();
    scene.reply = () => undefined;
    const outcome = scene.subscribe();
    await vi.advanceTimersByTimeAsync(100);
    await scene.transport.close();
    await vi.advanceTimersByTimeAsync(5000);
    expect(outcome.ended).toMatchObject({ code: "closed" });
  });

  test("pulls nothing for a grant that comes when the transport is closed", async () => {
    const scene = new Scene();
    const outcome = scene.subscribe();
    void scene.transport.close();
    await vi.advanceTimersByTimeAsync(5000);
    expect(outcome.ended).toMatchObject({ code: "closed" });
    expect(scene.pulls()).toBe(0);
  });

  test("asks the hub once at a time for a durable that has vanished", async () => {
    const scene = new Scene();
    scene.subscribe();
    await vi.advanceTimersByTimeAsync(10);
    scene.reply = () => undefined;
    for (let round = 0; round < 3; round++) {
      scene.connection.status(scene.inbox(), 409, "Consumer Deleted");
      await vi.advanceTimersByTimeAsync(400);
    }
    expect(scene.asked).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(30_000);
    const before = scene.asked.length;
    scene.connection.status(scene.inbox(), 409, "Consumer Deleted");
    await vi.advanceTimersByTimeAsync(400);
    expect(scene.asked.length).toBeGreaterThan(before);
  });

  test("has the hub make a durable again that has vanished, from the beginning", async () => {
    const scene = new Scene();
    scene.subscribe();
    await vi.advanceTimersByTimeAsync(10);
    scene.connection.status(scene.inbox(), 409, "Consumer Deleted");
    await vi.advanceTimersByTimeAsync(1000);
    expect(scene.asked.map(({ request }) => (request as SubscribeOptions).startAt)).toEqual(["new", "all"]);
    expect(scene.pulls()).toBeGreaterThan(1);
  });
});

describe("NatsTransport.close()", () => {
  test("waits for what is not settled, then stops everything and disconnects, once", async () => {
    const scene = new Scene();
    const deliveries: Delivery[] = [];
    scene.subscribe((delivery) => deliveries.push(delivery));
    await vi.advanceTimersByTimeAsync(10);
    scene.connection.deliver(scene.inbox(), deliveryOf(7));
    await vi.advanceTimersByTimeAsync(1);
    const closed = Promise.all([scene.transport.close(), scene.transport.close()]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(scene.connection.closed).toBe(false);
    deliveries[0]?.settle({ kind: "ack" });
    await closed;
    expect(scene.connection.sent.filter(({ text }) => text === "+ACK")).toHaveLength(1);
    expect([scene.connection.closed, scene.connection.open]).toEqual([
      true,
      { listeners: 0, subscriptions: 0 },
    ]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("does not wait for ever", async () => {
    const scene = new Scene();
    scene.subscribe();
    await vi.advanceTimersByTimeAsync(10);
    scene.connection.deliver(scene.inbox(), deliveryOf(7));
    await vi.advanceTimersByTimeAsync(1);
    const closed = scene.transport.close();
    await vi.advanceTimersByTimeAsync(10_000);
    await closed;
    expect(scene.connection.closed).toBe(true);
  });

  test("rejects with closed what is published afterwards", async () => {
    const scene = new Scene();
    await scene.transport.close();
    const message: Message = { subject: "evt.a.b.ui.x.v1", id: "1", headers: {}, body: new Uint8Array() };
    await expect(scene.transport.publish(message)).rejects.toMatchObject({ code: "closed" });
  });
});
