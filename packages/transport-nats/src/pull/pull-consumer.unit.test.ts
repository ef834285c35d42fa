import type { Settlement } from "@adaos/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn, type Sent, WIRE_MS } from "../../../../test/kit/connection-stand-in.ts";
import { DurableStandIn, deliveryOf } from "../../../../test/kit/durable-stand-in.ts";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { PullConsumer, type PulledMessage } from "./pull-consumer.ts";
import type { PullState } from "./pull-loop.ts";

const NEXT = "$JS.API.CONSUMER.MSG.NEXT.EVENTS_alpha.kitchen_d";
const ACK: Settlement = { kind: "ack" };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A consumer that pulls messages which the test sends by hand. */
class Scene {
  readonly connection = new ConnectionStandIn();
  readonly pulled: PulledMessage[] = [];
  readonly states: PullState[] = [];
  missing = 0;
  readonly consumer: PullConsumer;

  constructor(options: { batchMessages?: number; ackWaitMs?: number; apiPrefix?: string } = {}) {
    this.consumer = new PullConsumer(
      this.connection,
      {
        stream: "EVENTS_alpha",
        consumer: "kitchen_d",
        ackWaitMs: 5000,
        log: new RecordingLog(),
        onMissing: () => {
          this.missing++;
        },
        onState: (state) => this.states.push(state),
        ...options,
      },
      (message) => this.pulled.push(message),
    );
  }

  /** Requests for messages so far. */
  pulls(): Sent[] {
    return this.connection.sent.filter(({ subject }) => subject === NEXT);
  }

  inbox(): string {
    return this.pulls().at(-1)?.reply ?? "";
  }

  async deliver(seq: number, deliveries = 1): Promise<void> {
    this.connection.deliver(this.inbox(), deliveryOf(seq, deliveries));
    await vi.advanceTimersByTimeAsync(1);
  }

  async status(code: number, description: string, inbox: string = this.inbox()): Promise<void> {
    this.connection.status(inbox, code, description);
    await vi.advanceTimersByTimeAsync(1);
  }

  /** Settlements sent so far, including those that are collected for one write. */
  words(): string[] {
    vi.advanceTimersByTime(1);
    return this.connection.sent
      .filter(({ subject }) => subject.startsWith("$JS.ACK"))
      .map(({ text }) => text);
  }

  /** Message at this position in the order of handover. */
  at(index: number): PulledMessage {
    const message = this.pulled[index];
    if (message === undefined) throw new Error(`nothing was handed over at ${index}`);
    return message;
  }
}

describe("PullConsumer, pulling", () => {
  test("asks for 500 messages, 10 s long, with a heartbeat each second", () => {
    const [pull] = new Scene().pulls();
    expect(JSON.parse(pull?.text ?? "")).toEqual({ batch: 500, expires: 10e9, idle_heartbeat: 1e9 });
    expect(pull?.reply).toMatch(/^_INBOX_kitchen\.1\./);
  });

  test("asks where its options say", () => {
    const scene = new Scene({ apiPrefix: "link.alpha", batchMessages: 7 });
    expect(scene.connection.sent).toMatchObject([
      {
        subject: "link.alpha.CONSUMER.MSG.NEXT.EVENTS_alpha.kitchen_d",
        text: expect.stringContaining('"batch":7'),
      },
    ]);
  });

  test("hands over what comes, in order, with seq and delivery count", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    await scene.deliver(8, 3);
    expect(scene.pulled.map(({ seq, deliveryCount }) => [seq, deliveryCount])).toEqual([
      [7, 1],
      [8, 3],
    ]);
    expect(scene.at(0).msg).toMatchObject({ subject: "evt.alpha.desk.ui.notify.v1" });
    expect(scene.consumer.held).toBe(2);
  });

  test("asks again when it has got all it asked for", async () => {
    const scene = new Scene({ batchMessages: 2 });
    await scene.deliver(1);
    expect(scene.pulls()).toHaveLength(1);
    await scene.deliver(2);
    expect(scene.pulls()).toHaveLength(2);
  });

  test.each([
    [408, "Request Timeout"],
    [404, "No Messages"],
  ])("asks again at once at the status %d", async (code, description) => {
    const scene = new Scene();
    await scene.status(code, description);
    expect(scene.pulls()).toHaveLength(2);
    expect(scene.states).toEqual([{ flowing: true }]);
  });

  test.each([
    [503, "No Responders"],
    [409, "Server Shutdown"],
    [409, "Leadership Change"],
    [409, "Exceeded MaxWaiting"],
  ])(
    "asks again in 300 ms at the status %d %s, and tells that it does not flow",
    async (code, description) => {
      const scene = new Scene();
      await scene.status(code, description);
      expect([scene.pulls().length, scene.states]).toEqual([
        1,
        [{ flowing: false, reason: expect.any(String) }],
      ]);
      await vi.advanceTimersByTimeAsync(300);
      expect(scene.pulls()).toHaveLength(2);
      expect(scene.missing).toBe(0);
    },
  );

  test("tells that the durable is gone, and goes on asking", async () => {
    const scene = new Scene();
    await scene.status(409, "Consumer Deleted");
    await vi.advanceTimersByTimeAsync(300);
    expect([scene.missing, scene.pulls().length]).toEqual([1, 2]);
  });

  test("takes no notice of the status of an earlier pull", async () => {
    const scene = new Scene();
    const earlier = scene.inbox();
    await scene.status(408, "Request Timeout");
    await scene.status(409, "Consumer Deleted", earlier);
    await vi.advanceTimersByTimeAsync(1000);
    expect([scene.missing, scene.pulls().length]).toEqual([0, 2]);
  });

  test("asks again after a reconnect, and not while the server is away", async () => {
    const scene = new Scene();
    scene.connection.disconnect();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(scene.pulls()).toHaveLength(1);
    expect(scene.states.at(-1)).toMatchObject({ flowing: false });
    scene.connection.reconnect();
    expect(scene.pulls()).toHaveLength(2);
  });

  test("asks once after a reconnect, though it would have asked again anyway", async () => {
    const scene = new Scene();
    await scene.status(503, "No Responders");
    scene.connection.disconnect();
    scene.connection.reconnect();
    await vi.advanceTimersByTimeAsync(1000);
    expect(scene.pulls()).toHaveLength(2);
  });

  test("goes on asking after a status that came just before the connection broke", async () => {
    const scene = new Scene();
    await scene.status(503, "No Responders");
    scene.connection.disconnect();
    await vi.advanceTimersByTimeAsync(1000);
    scene.connection.reconnect();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(scene.pulls().length).toBeGreaterThan(2);
  });

  test("ignores what is no delivery of a stream", async () => {
    const scene = new Scene();
    scene.connection.deliver(scene.inbox(), {
      subject: "evt.alpha.desk.ui.notify.v1",
      text: "{}",
      reply: "x.y",
    });
    scene.connection.deliver(scene.inbox(), { subject: "evt.alpha.desk.ui.notify.v1", text: "{}" });
    await vi.advanceTimersByTimeAsync(1);
    expect(scene.pulled).toEqual([]);
  });
});

describe("PullConsumer, after a silence", () => {
  function silent(answer: (subject: string) => unknown): Scene {
    const scene = new Scene();
    scene.connection.server = { onMessage: () => undefined, onRequest: answer };
    return scene;
  }

  test("asks whether the durable is there, and when it is, for messages again", async () => {
    const asked: string[] = [];
    const scene = silent((subject) => {
      asked.push(subject);
      return {};
    });
    await vi.advanceTimersByTimeAsync(4000);
    expect(asked).toEqual(["$JS.API.CONSUMER.INFO.EVENTS_alpha.kitchen_d"]);
    expect([scene.pulls().length, scene.missing]).toEqual([2, 0]);
  });

  test("tells that the durable is gone", async () => {
    const scene = silent(() => ({ error: { code: 404, description: "consumer not found" } }));
    await vi.advanceTimersByTimeAsync(4000);
    expect(scene.missing).toBeGreaterThan(0);
    expect(scene.states).toContainEqual({ flowing: false, reason: "consumer not found" });
  });

  test("tells that nobody answers, and keeps asking", async () => {
    const scene = silent(() => undefined);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(scene.pulls().length).toBeGreaterThan(2);
    expect(scene.states.at(-1)).toMatchObject({ flowing: false });
  });

  test("is content with heartbeats", async () => {
    const scene = silent(() => {
      throw new Error("was asked");
    });
    for (let second = 0; second < 9; second++) {
      await vi.advanceTimersByTimeAsync(999);
      await scene.status(100, "Idle Heartbeat");
    }
    expect([scene.pulls().length, scene.states.at(-1)]).toEqual([1, { flowing: true }]);
  });
});

describe("PulledMessage.settle()", () => {
  test.each<[Settlement, string]>([
    [ACK, "+ACK"],
    [{ kind: "nak", delayMs: 1500 }, '-NAK {"delay":1500000000}'],
    [{ kind: "term", reason: "broken" }, "+TERM broken"],
  ])("sends %j as %j to where the server listens", async (settlement, word) => {
    const scene = new Scene();
    await scene.deliver(7);
    scene.at(0).settle(settlement);
    await vi.advanceTimersByTimeAsync(1);
    expect(scene.connection.sent.at(-1)).toMatchObject({ subject: deliveryOf(7).reply, text: word });
    expect(scene.consumer.held).toBe(0);
  });

  test.each([0, -5])("never naks bare: a delay of %d ms becomes one", async (delayMs) => {
    const scene = new Scene();
    await scene.deliver(7);
    scene.at(0).settle({ kind: "nak", delayMs });
    expect(scene.words()).toEqual(['-NAK {"delay":1000000}']);
  });

  test("sends a reason as one line of at most 200 characters", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    scene.at(0).settle({ kind: "term", reason: `a\r\nPUB x 0\u00e9${"y".repeat(500)}` });
    expect(scene.words()[0]).toMatch(/^\+TERM a {2}PUB x 0 y{189}$/);
  });

  test("does nothing at a second call", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    scene.at(0).settle(ACK);
    scene.at(0).settle({ kind: "nak", delayMs: 1 });
    expect(scene.words()).toEqual(["+ACK"]);
  });

  test("does not throw when the connection is closed", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    await scene.connection.close();
    expect(() => scene.at(0).settle(ACK)).not.toThrow();
  });
});

describe("PullConsumer, redeliveries", () => {
  test("does not hand over again what is held, and settles the newest delivery of it", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    await scene.deliver(7, 2);
    expect(scene.pulled).toHaveLength(1);
    scene.at(0).settle(ACK);
    await vi.advanceTimersByTimeAsync(1);
    expect(scene.connection.sent.at(-1)).toMatchObject({ subject: deliveryOf(7, 2).reply, text: "+ACK" });
  });

  test.each<[Settlement, string]>([
    [ACK, "+ACK"],
    [{ kind: "term", reason: "broken" }, "+TERM broken"],
  ])("settles again, without handing it over, what was settled with %j", async (settlement, word) => {
    const scene = new Scene();
    await scene.deliver(7);
    scene.at(0).settle(settlement);
    await scene.deliver(7, 2);
    expect(scene.pulled).toHaveLength(1);
    expect(scene.words()).toEqual([word, word]);
  });

  test("hands over again what was nakked", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    scene.at(0).settle({ kind: "nak", delayMs: 100 });
    await scene.deliver(7, 2);
    expect(scene.pulled.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 2]);
  });

  test("hands over another message of the same number: the stream was made anew", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    scene.at(0).settle(ACK);
    const anew = { ...deliveryOf(7), reply: "$JS.ACK.EVENTS_alpha.kitchen_d.1.7.7.1800000000000000000.0" };
    scene.connection.deliver(scene.inbox(), anew);
    await vi.advanceTimersByTimeAsync(1);
    expect(scene.pulled).toHaveLength(2);
  });

  test("sends what is settled in one moment together", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    await scene.deliver(8);
    scene.at(0).settle(ACK);
    await vi.advanceTimersByTimeAsync(0);
    expect(scene.connection.sent.filter(({ text }) => text === "+ACK")).toEqual([]);
    scene.at(1).settle(ACK);
    await vi.advanceTimersByTimeAsync(1);
    expect(scene.words()).toEqual(["+ACK", "+ACK"]);
  });

  test("sends what is settled at a stop before it has stopped", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    const stopped = scene.consumer.stop(1000);
    scene.at(0).settle(ACK);
    await stopped;
    expect(scene.connection.sent.at(-1)?.text).toBe("+ACK");
  });

  test("remembers at least the last 4,000 settlements, and not all that ever were", async () => {
    const scene = new Scene({ batchMessages: 100_000 });
    for (let seq = 1; seq <= 9000; seq++) scene.connection.deliver(scene.inbox(), deliveryOf(seq));
    await vi.advanceTimersByTimeAsync(1);
    for (const message of scene.pulled) message.settle(ACK);
    await scene.deliver(5001, 2);
    expect(scene.pulled).toHaveLength(9000);
    await scene.deliver(1, 2);
    expect(scene.pulled).toHaveLength(9001);
  });

  test("keeps what is held from being redelivered: tells in time that it works on it", async () => {
    const scene = new Scene({ ackWaitMs: 3000 });
    await scene.deliver(7);
    await vi.advanceTimersByTimeAsync(999);
    expect(scene.words()).toEqual([]);
    await vi.advanceTimersByTimeAsync(9000);
    const told = scene.words();
    expect(told.length).toBeGreaterThanOrEqual(4);
    expect(new Set(told)).toEqual(new Set(["+WPI"]));
    scene.at(0).settle(ACK);
    await vi.advanceTimersByTimeAsync(9000);
    expect(scene.words()).toEqual([...told, "+ACK"]);
  });
});

describe("PullConsumer.stop()", () => {
  test("takes no more and asks for no more", async () => {
    const scene = new Scene();
    const inbox = scene.inbox();
    await scene.consumer.stop(1000);
    scene.connection.deliver(inbox, deliveryOf(7));
    scene.connection.disconnect();
    scene.connection.reconnect();
    await vi.advanceTimersByTimeAsync(20_000);
    expect([scene.pulled.length, scene.pulls().length]).toEqual([0, 1]);
    expect(scene.connection.open).toEqual({ listeners: 0, subscriptions: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("waits until what is held is settled, and keeps it from redelivery meanwhile", async () => {
    const scene = new Scene({ ackWaitMs: 3000 });
    await scene.deliver(7);
    await scene.deliver(8);
    let stopped = false;
    void scene.consumer.stop(60_000).then(() => {
      stopped = true;
    });
    await vi.advanceTimersByTimeAsync(5000);
    scene.at(0).settle(ACK);
    await vi.advanceTimersByTimeAsync(0);
    expect([stopped, scene.words().includes("+WPI")]).toEqual([false, true]);
    scene.at(1).settle(ACK);
    await vi.advanceTimersByTimeAsync(WIRE_MS);
    expect([stopped, vi.getTimerCount()]).toEqual([true, 0]);
  });

  test("waits no longer than its grace", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    const stopping = scene.consumer.stop(500);
    await vi.advanceTimersByTimeAsync(500);
    await stopping;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("lets be settled afterwards what was not in time", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    const stopping = scene.consumer.stop(0);
    await vi.advanceTimersByTimeAsync(0);
    await stopping;
    scene.at(0).settle(ACK);
    expect(scene.words()).toEqual(["+ACK"]);
  });

  test("is safe to call again when it has stopped", async () => {
    const scene = new Scene();
    await scene.consumer.stop(1000);
    await scene.consumer.stop(1000);
    expect(scene.connection.open.subscriptions).toBe(0);
  });

  test("is safe to call twice at once: both end when the last is settled", async () => {
    const scene = new Scene();
    await scene.deliver(7);
    let stopped = 0;
    for (let call = 0; call < 2; call++) {
      void scene.consumer.stop(60_000).then(() => {
        stopped++;
      });
    }
    scene.at(0).settle(ACK);
    await vi.advanceTimersByTimeAsync(100);
    expect(stopped).toBe(2);
  });

  test("leaves no timer behind when it comes while the durable is asked for", async () => {
    const scene = new Scene();
    scene.connection.server = { onMessage: () => undefined, onRequest: () => undefined };
    await vi.advanceTimersByTimeAsync(3100);
    await scene.consumer.stop(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect([scene.states.length, vi.getTimerCount()]).toEqual([0, 0]);
  });
});

describe("PullConsumer, whatever goes wrong", () => {
  const work = fc.record({
    ms: fc.constantFrom(0, 10, 400, 1500, 7000),
    ends: fc.constantFrom("ack", "ack", "term", "nak"),
  });
  const plan = fc.record({
    works: fc.array(work, { minLength: 1, maxLength: 12 }),
    batchMessages: fc.constantFrom(1, 2, 500),
    trouble: fc.array(
      fc.record({ atMs: fc.integer({ min: 1, max: 15_000 }), what: fc.constantFrom("break", "lose") }),
      { maxLength: 6 },
    ),
  });

  test("hands over each message until it is settled for good, then never again, and the server learns of it", async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ works, batchMessages, trouble }) => {
        const connection = new ConnectionStandIn();
        const durable = new DurableStandIn(connection, works.length, 1000);
        const over = new Set<number>();
        const held = new Set<number>();
        const wrong: string[] = [];
        const naks = new Map<number, number>();
        const consumer = new PullConsumer(
          connection,
          {
            stream: "EVENTS_alpha",
            consumer: "kitchen_d",
            ackWaitMs: 1000,
            batchMessages,
            log: new RecordingLog(),
            onMissing: () => wrong.push("missing"),
          },
          ({ seq, settle }) => {
            if (over.has(seq)) wrong.push(`${seq} was settled for good`);
            if (held.has(seq)) wrong.push(`${seq} is held`);
            held.add(seq);
            const { ms, ends } = works[seq - 1] ?? { ms: 0, ends: "ack" };
            setTimeout(() => {
              held.delete(seq);
              const isNak = ends === "nak" && (naks.get(seq) ?? 0) < 2;
              if (isNak) naks.set(seq, (naks.get(seq) ?? 0) + 1);
              else over.add(seq);
              if (isNak) settle({ kind: "nak", delayMs: 100 });
              else settle(ends === "term" ? { kind: "term", reason: "x" } : ACK);
            }, ms);
          },
        );
        for (const { atMs, what } of trouble) {
          setTimeout(() => {
            if (what === "lose") durable.lose++;
            else connection.disconnect();
          }, atMs);
          if (what === "break") setTimeout(() => connection.reconnect(), atMs + 700);
        }
        await vi.advanceTimersByTimeAsync(60_000);
        expect(wrong).toEqual([]);
        expect([over.size, durable.isDone, consumer.held]).toEqual([works.length, true, 0]);
        expect(durable.words.filter(([, word]) => word === "-NAK")).toEqual([]);
        durable.stop();
        await consumer.stop(0);
        // Messages on the wire arrive.
        await vi.advanceTimersByTimeAsync(WIRE_MS);
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });
});
