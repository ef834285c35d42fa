import { MeshError, type Message, type PublishReceipt } from "@adaos/core";
import { messageBytes } from "@adaos/core/wire";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import { type Fault, StreamStandIn } from "../../../../test/kit/stream-stand-in.ts";
import { keyedIds } from "./message-ids.ts";
import { StreamPublisher, type StreamPublisherOptions } from "./stream-publisher.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function message(id: string | number, changes: Partial<Message> = {}): Message {
  const subject = "evt.alpha.kitchen.ui.notify.v1";
  return { subject, id: String(id), headers: {}, body: new TextEncoder().encode(`body ${id}`), ...changes };
}

const SECRET = "evt.alpha.kitchen.nlp.secret.v1";

type Outcome = PublishReceipt | MeshError;

class Scene {
  readonly connection = new ConnectionStandIn();
  readonly stream = new StreamStandIn(this.connection);
  readonly publisher: StreamPublisher;
  readonly outcomes = new Map<string, Outcome>();

  constructor(options?: StreamPublisherOptions) {
    this.publisher = new StreamPublisher(this.connection, options);
  }

  /** A signal is for the messages after it. */
  publish(...messages: readonly (Message | AbortSignal)[]): void {
    let signal: AbortSignal | undefined;
    for (const one of messages) {
      if (one instanceof AbortSignal) {
        signal = one;
        continue;
      }
      this.publisher.publish(one, signal).then(
        (receipt) => this.outcomes.set(one.id, receipt),
        (error: MeshError) => this.outcomes.set(one.id, error),
      );
    }
  }

  /** Until one write may hold so much: what a line carries is learned of it. */
  async warmUp(bytes: number): Promise<void> {
    for (let n = 0; this.publisher.writeBytes < bytes; n++) {
      this.publish(...ids(20).map((id) => message(`warm-${n}-${id}`, { body: new Uint8Array(100_000) })));
      await this.wait(20);
    }
    this.stream.stored.length = 0;
    this.stream.writes.length = 0;
  }

  async wait(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }

  ids(): string[] {
    return this.stream.stored.map(({ id }) => id);
  }

  /** The code of the error of each, `""` for what was stored. */
  codes(): Record<string, string> {
    const codes = [...this.outcomes].map(([id, outcome]) => [
      id,
      outcome instanceof MeshError ? outcome.code : "",
    ]);
    return Object.fromEntries(codes);
  }
}

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

describe("StreamPublisher.publish()", () => {
  test("stores a message alone without a batch, under its id, with its headers", async () => {
    const scene = new Scene();
    scene.publish(message("a", { headers: { traceparent: "00-1" } }));
    await scene.wait(10);
    expect(scene.outcomes.get("a")).toEqual({ stream: "EVENTS_alpha", seq: 1, duplicate: false });
    expect(scene.connection.sent).toMatchObject([
      { text: "body a", headers: { "Nats-Msg-Id": "a", traceparent: "00-1" } },
    ]);
    expect(Object.keys(scene.connection.sent[0]?.headers ?? {})).toHaveLength(2);
  });

  test("stores what one tick publishes in one batch, in order, each with its own seq", async () => {
    const scene = new Scene();
    scene.publish(...ids(24).map((id) => message(id)));
    await scene.wait(10);
    expect(scene.stream.writes).toEqual([24]);
    expect(scene.ids()).toEqual(ids(24));
    const seqs = [...scene.outcomes.values()].map((outcome) => (outcome as PublishReceipt).seq);
    expect(seqs).toEqual(ids(24).map((id) => Number(id) + 1));
  });

  test("stores a few one after the other, which is quicker than a batch of them", async () => {
    const scene = new Scene();
    scene.publish(...ids(5).map((id) => message(id)));
    await scene.wait(3);
    expect(scene.stream.writes).toEqual([1, 1]);
    await scene.wait(10);
    expect(scene.stream.writes).toEqual([1, 1, 1, 1, 1]);
    expect(scene.ids()).toEqual(ids(5));
  });

  test("sends a few together where order means nothing, and none waits for another", async () => {
    const scene = new Scene({ isOrdered: false });
    scene.publish(...ids(19).map((id) => message(id)));
    await scene.wait(1);
    scene.publish(message("x"));
    await scene.wait(1);
    expect(Object.keys(scene.codes())).toEqual(ids(19));
    expect(scene.stream.writes).toEqual([...ids(19), "x"].map(() => 1));
  });

  test("puts what comes while a batch is on its way into the next one, and sends none before that has its answer", async () => {
    const scene = new Scene();
    scene.publish(...ids(20).map((id) => message(`a${id}`)));
    await scene.wait(1);
    scene.publish(...ids(21).map((id) => message(`b${id}`)));
    expect(scene.connection.sent).toHaveLength(20);
    await scene.wait(10);
    expect(scene.stream.writes).toEqual([20, 21]);
    expect(scene.ids()).toEqual([...ids(20).map((id) => `a${id}`), ...ids(21).map((id) => `b${id}`)]);
  });

  test("sends again, before anything else, what could not be stored singly, in order", async () => {
    const scene = new Scene();
    scene.stream.faults.push("unavailable");
    scene.publish(message("a"), message("b"));
    await scene.wait(3);
    scene.publish(...ids(24).map((id) => message(id)));
    await scene.wait(500);
    expect(scene.ids()).toEqual(["a", "b", ...ids(24)]);
  });

  test("puts at most 500 messages into a batch", async () => {
    const scene = new Scene();
    await scene.warmUp(1_000_000);
    scene.publish(...ids(1201).map((id) => message(id)));
    await scene.wait(20);
    expect(scene.stream.writes).toEqual([500, 500, 201]);
    expect(scene.ids()).toEqual(ids(1201));
  });

  test("puts at most 4 MiB into a batch", async () => {
    const scene = new Scene();
    await scene.warmUp(4 * 1024 * 1024);
    const body = new Uint8Array(250_000);
    scene.publish(...ids(60).map((id) => message(id, { body })));
    await scene.wait(20);
    expect(scene.stream.writes).toEqual([16, 16, 16, 12]);
  });

  test("tells of an id that was stored before, though a batch with it is refused whole", async () => {
    const scene = new Scene();
    scene.publish(message("a"));
    await scene.wait(10);
    scene.publish(...["b", "c", "a", "d", ...ids(16)].map((id) => message(id)));
    await scene.wait(50);
    expect(scene.stream.writes).toEqual([1, 20, ...ids(20).map(() => 1)]);
    expect(scene.ids()).toEqual(["a", "b", "c", "d", ...ids(16)]);
    expect(scene.outcomes.get("a")).toEqual({ stream: "EVENTS_alpha", seq: 1, duplicate: true });
    expect(scene.outcomes.get("d")).toEqual({ stream: "EVENTS_alpha", seq: 4, duplicate: false });
  });

  test("stores one of two with the same id in one tick, and answers both", async () => {
    const scene = new Scene();
    const all = Promise.all(["a", "a", "b", ...ids(17)].map((id) => scene.publisher.publish(message(id))));
    await scene.wait(50);
    expect((await all).slice(0, 3)).toEqual([
      { stream: "EVENTS_alpha", seq: 1, duplicate: false },
      { stream: "EVENTS_alpha", seq: 1, duplicate: true },
      { stream: "EVENTS_alpha", seq: 2, duplicate: false },
    ]);
  });

  test("rejects only the one that the server denies; its neighbours are stored, in order", async () => {
    const scene = new Scene();
    scene.stream.denied.add(SECRET);
    const secret = message("x", { subject: SECRET });
    scene.publish(message("a"), message("b"), secret, ...ids(19).map((id) => message(id)));
    await scene.wait(400);
    expect(Object.entries(scene.codes()).filter(([, code]) => code !== "")).toEqual([["x", "denied"]]);
    expect(scene.ids()).toEqual(["a", "b", ...ids(19)]);
  });

  test("sends once more, in its place, what a server refuses while it reads its config", async () => {
    const scene = new Scene();
    scene.stream.denied.add(SECRET);
    scene.publish(message("a"), message("x", { subject: SECRET }), ...ids(19).map((id) => message(id)));
    await scene.wait(50);
    scene.stream.denied.delete(SECRET);
    await scene.wait(400);
    expect(Object.values(scene.codes()).filter((code) => code !== "")).toEqual([]);
    expect(scene.ids()).toEqual(["a", "x", ...ids(19)]);
  });

  test("rejects with backpressure what a full stream refuses, at once", async () => {
    const scene = new Scene();
    scene.stream.finally = "full";
    scene.publish(message("a"), message("b"));
    await scene.wait(50);
    expect(scene.codes()).toEqual({ a: "backpressure", b: "backpressure" });
  });

  test.each(["unavailable", "no-responders"] as const)(
    "tries again while the stream is away (%s), and stores when it is back",
    async (fault) => {
      const scene = new Scene();
      scene.stream.finally = fault;
      scene.publish(message("a"), message("b"));
      await scene.wait(5000);
      expect(scene.codes()).toEqual({});
      scene.stream.finally = "none";
      await scene.wait(200);
      expect(scene.codes()).toEqual({ a: "", b: "" });
      expect(scene.ids()).toEqual(["a", "b"]);
    },
  );

  test.each<[Fault, string]>([
    ["unavailable", "unavailable"],
    ["no-responders", "unavailable"],
    ["silent", "timeout"],
  ])("when it goes on for ever (%s), ends after 10 s with %j", async (fault, code) => {
    const scene = new Scene();
    scene.stream.finally = fault;
    scene.publish(message("a"));
    await scene.wait(13_000);
    expect(scene.codes()).toEqual({ a: code });
  });

  test("stores once what it had to send again, after acknowledgements that were lost or late", async () => {
    const scene = new Scene();
    scene.stream.faults.push("ack-lost", "ack-late", "broken-after");
    scene.publish(...ids(24).map((id) => message(id)));
    await scene.wait(20_000);
    expect(scene.ids()).toEqual(ids(24));
    expect(new Set(Object.values(scene.codes()))).toEqual(new Set([""]));
  });

  test("does not write while the server is away, and stores when it is back", async () => {
    const scene = new Scene();
    scene.connection.disconnect();
    scene.publish(message("a"));
    await scene.wait(3000);
    expect(scene.connection.sent).toEqual([]);
    scene.connection.reconnect();
    await scene.wait(200);
    expect(scene.ids()).toEqual(["a"]);
  });

  test("does not wait for an answer over a connection that has broken", async () => {
    const scene = new Scene();
    scene.stream.faults.push("broken-before");
    scene.publish(message("a"));
    await scene.wait(500);
    expect(scene.codes()).toEqual({ a: "" });
  });

  test("sends a batch of unknown outcome again as a batch", async () => {
    const scene = new Scene();
    scene.stream.faults.push("silent");
    scene.publish(...ids(24).map((id) => message(id)));
    await scene.wait(3000);
    expect(scene.stream.writes).toEqual([24, 24]);
    expect(scene.ids()).toEqual(ids(24));
  });

  test("gives up, when its time is up, what waits behind a write that does not end, and has room again", async () => {
    const body = new Uint8Array(60);
    const scene = new Scene({ maxQueuedBytes: 400 });
    scene.stream.finally = "silent";
    scene.publish(message("a", { body }));
    await scene.wait(1);
    scene.publish(message("b", { body }));
    await scene.wait(14_000);
    expect(Object.keys(scene.codes())).toEqual(["a", "b"]);
    expect(scene.codes()["a"]).toBe("timeout");
    scene.stream.finally = "none";
    scene.publish(message("c", { body }));
    await scene.wait(3000);
    expect(scene.codes()["c"]).toBe("");
  });

  test("says timeout, not denied, of what an earlier attempt may have stored", async () => {
    const scene = new Scene();
    scene.stream.faults.push("broken-after");
    scene.publish(message("a", { subject: SECRET }));
    await scene.wait(100);
    scene.stream.denied.add(SECRET);
    await scene.wait(13_000);
    expect([scene.ids(), scene.codes()]).toEqual([["a"], { a: "timeout" }]);
  });

  test("says timeout, not unavailable, of what an earlier attempt may have stored", async () => {
    const scene = new Scene();
    scene.stream.faults.push("ack-lost");
    scene.stream.finally = "no-responders";
    scene.publish(message("a"));
    await scene.wait(13_000);
    expect(scene.ids()).toEqual(["a"]);
    expect(scene.codes()).toEqual({ a: "timeout" });
  });
});

describe("StreamPublisher.publish(), refused before anything is sent", () => {
  test("refuses with too-large what the server would not take", async () => {
    const scene = new Scene();
    scene.publish(message("a", { body: new Uint8Array(1_048_576) }));
    await scene.wait(10);
    expect([scene.codes(), scene.connection.sent]).toEqual([{ a: "too-large" }, []]);
  });

  test("refuses with too-large what the stream would not take, and nothing that it takes", async () => {
    const sizes = fc.record({
      id: fc.stringMatching(/^[ -~]{1,60}$/),
      bodyBytes: fc.integer({ min: 0, max: 2000 }),
      headers: fc.dictionary(fc.stringMatching(/^[a-z]{1,20}$/), fc.stringMatching(/^[ -~]{0,300}$/), {
        maxKeys: 5,
      }),
      others: fc.integer({ min: 0, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ id, bodyBytes, headers, others }) => {
        const maxMessageBytes = 1500;
        const scene = new Scene({ maxMessageBytes });
        // As long as they get.
        Object.assign(scene.connection, { ids: keyedIds("SUAKITCHEN") });
        const one = message(id, { headers, body: new Uint8Array(bodyBytes) });
        scene.publish(one, ...ids(others).map((other) => message(`other ${other}`)));
        await scene.wait(20);
        const sent = scene.connection.sent.filter(({ text }) => text.length === bodyBytes);
        for (const { bytes } of sent) expect(bytes).toBeLessThanOrEqual(maxMessageBytes);
        const isRefused = messageBytes(one) > maxMessageBytes;
        expect(scene.codes()[id]).toBe(isRefused ? "too-large" : "");
        await scene.publisher.close();
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ["Nats-Msg-Id", "x"],
    ["nats-expected-stream", "x"],
    ["a b", "x"],
    ["a:b", "x"],
    ["", "x"],
    ["traceparent", "a\r\nNats-Rollup: all"],
    ["traceparent", "\u00e9"],
  ])("refuses the header %j: %j as invalid-event", async (key, value) => {
    const scene = new Scene();
    scene.publish(message("a", { headers: { [key]: value } }));
    await scene.wait(10);
    expect([scene.codes(), scene.connection.sent]).toEqual([{ a: "invalid-event" }, []]);
  });

  test("refuses with backpressure beyond maxQueued messages, and takes more when there is room", async () => {
    const scene = new Scene({ maxQueued: 3 });
    scene.publish(...ids(5).map((id) => message(id)));
    await scene.wait(10);
    expect(scene.codes()).toEqual({ 0: "", 1: "", 2: "", 3: "backpressure", 4: "backpressure" });
    scene.publish(message("x"));
    await scene.wait(10);
    expect(scene.codes()["x"]).toBe("");
  });

  test("refuses with backpressure beyond maxQueuedBytes, and takes more when there is room", async () => {
    const scene = new Scene({ maxQueuedBytes: 400 });
    const body = new Uint8Array(60);
    scene.publish(message("a", { body }), message("b", { body }));
    await scene.wait(10);
    expect(scene.codes()).toEqual({ a: "", b: "backpressure" });
    scene.publish(message("c", { body }));
    await scene.wait(10);
    expect(scene.codes()["c"]).toBe("");
  });
});

describe("StreamPublisher.publish(), of what the server takes for a duplicate", () => {
  const MINE = message("a");
  const THEIRS = message("a", { subject: "evt.alpha.evil.ui.notify.v1" });

  async function publishAfter(
    before: Message,
    options: StreamPublisherOptions,
    answers: StreamStandIn["directGet"],
  ): Promise<Scene> {
    const scene = new Scene(options);
    scene.stream.directGet = answers;
    const other = new StreamPublisher(scene.connection);
    await Promise.all([other.publish(before), scene.wait(10)]);
    scene.publish(MINE);
    await scene.wait(500);
    return scene;
  }

  test.each(["held", "gone"] as const)("tells so when it is its own, which is %s there", async (answers) => {
    const { outcomes, stream } = await publishAfter(MINE, { checksDuplicates: true }, answers);
    expect(outcomes.get("a")).toEqual({ stream: "EVENTS_alpha", seq: 1, duplicate: true });
    expect(stream.stored).toHaveLength(1);
  });

  test("stores it under another id when something else has its own", async () => {
    const { outcomes, stream } = await publishAfter(THEIRS, { checksDuplicates: true }, "held");
    expect(outcomes.get("a")).toEqual({ stream: "EVENTS_alpha", seq: 2, duplicate: false });
    expect(stream.stored.map(({ subject }) => subject)).toEqual([THEIRS.subject, MINE.subject]);
  });

  test("does not report it stored while the stream does not tell, and never that it is not", async () => {
    const options = { checksDuplicates: true, timeoutMs: 5000 };
    const scene = await publishAfter(MINE, options, "silent");
    expect(scene.outcomes.size).toBe(0);
    await scene.wait(10_000);
    expect(scene.codes()).toEqual({ a: "timeout" });
  });

  test("takes the server's word where it may not read", async () => {
    const { outcomes, stream } = await publishAfter(MINE, {}, "silent");
    expect(outcomes.get("a")).toMatchObject({ duplicate: true });
    expect(stream.stored).toHaveLength(1);
  });
});

describe("StreamPublisher.close()", () => {
  test("waits until everything accepted is stored, then leaves nothing behind", async () => {
    const scene = new Scene();
    scene.stream.faults.push("unavailable");
    scene.publish(message("a"), message("b"));
    const closed = scene.publisher.close().then(() => scene.ids());
    await scene.wait(1000);
    expect(await closed).toEqual(["a", "b"]);
    expect(scene.connection.open).toEqual({ listeners: 0, subscriptions: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("rejects with closed what is published from its first moment", async () => {
    const scene = new Scene();
    const closing = scene.publisher.close();
    scene.publish(message("a"));
    await closing;
    await scene.wait(10);
    expect(scene.codes()).toEqual({ a: "closed" });
  });

  test("is safe to call twice", async () => {
    const scene = new Scene();
    await Promise.all([scene.publisher.close(), scene.publisher.close()]);
    await scene.publisher.close();
    expect(scene.connection.open).toEqual({ listeners: 0, subscriptions: 0 });
  });

  test("is safe to call twice while something is on its way", async () => {
    const scene = new Scene();
    scene.publish(message("a"));
    await scene.wait(1);
    const both = Promise.all([scene.publisher.close(), scene.publisher.close()]);
    await scene.wait(10);
    await both;
    expect(scene.codes()).toEqual({ a: "" });
  });

  test("ends what waits with closed when the connection is closed for good", async () => {
    const scene = new Scene();
    scene.connection.disconnect();
    scene.publish(message("a"), message("b"));
    await scene.wait(10);
    await scene.connection.close();
    await scene.wait(1000);
    expect(scene.codes()).toEqual({ a: "closed", b: "closed" });
  });
});

describe("StreamPublisher, whatever goes wrong", () => {
  const fault: fc.Arbitrary<Fault> = fc.constantFrom(
    "none",
    "ack-lost",
    "ack-late",
    "silent",
    "no-responders",
    "unavailable",
    "full",
    "broken-before",
    "broken-after",
  );
  /**
   * What is not as it should be about a message: the server denies its subject, or its id is that of the one before.
   */
  const oddity = fc.constantFrom<"none" | "denied" | "repeated">(
    "none",
    "none",
    "none",
    "none",
    "denied",
    "repeated",
  );
  const plan = fc.record({
    oddities: fc.array(oddity, { maxLength: 80, size: "max" }),
    gapsMs: fc.array(fc.constantFrom(...Array<number>(40).fill(0), 1, 2, 100, 3000), {
      minLength: 1,
      maxLength: 80,
    }),
    faults: fc.array(fault, { maxLength: 20 }),
    finally: fc.constantFrom<Fault>(
      "none",
      "none",
      "none",
      "silent",
      "no-responders",
      "full",
      "broken-before",
    ),
    breaksAtMs: fc.array(fc.integer({ min: 0, max: 8000 }), { maxLength: 3 }),
  });

  async function play({
    gapsMs,
    faults,
    oddities,
    finally: last,
    breaksAtMs,
  }: typeof plan extends fc.Arbitrary<infer T> ? T : never): Promise<Scene> {
    const scene = new Scene();
    scene.stream.faults.push(...faults);
    scene.stream.finally = last;
    for (const atMs of breaksAtMs) {
      setTimeout(() => scene.connection.disconnect(), atMs);
      setTimeout(() => scene.connection.reconnect(), atMs + 500);
    }
    scene.stream.denied.add(SECRET);
    for (const [i, gapMs] of gapsMs.entries()) {
      if (gapMs > 0) await scene.wait(gapMs);
      scene.publish(message(i, oddities[i] === "denied" ? { subject: SECRET } : {}));
      if (oddities[i] === "repeated") scene.publish(message(i));
    }
    await scene.wait(60_000);
    return scene;
  }

  test("settles every publish", async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (faulty) => {
        const scene = await play(faulty);
        expect(scene.outcomes.size).toBe(faulty.gapsMs.length);
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });

  test("has stored exactly once, where it says, what it says is stored", async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (faulty) => {
        const { outcomes, stream } = await play(faulty);
        for (const [id, outcome] of outcomes) {
          if (outcome instanceof MeshError) continue;
          expect(stream.stored.filter((stored) => stored.id === id).map(({ seq }) => seq)).toEqual([
            outcome.seq,
          ]);
        }
      }),
    );
  });

  test("has not stored what it says has failed, unless it says that it does not know", async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (faulty) => {
        const scene = await play(faulty);
        const stored = new Set(scene.ids());
        // Of two with one id, the second may well say of itself that it was not stored.
        const wrong = Object.entries(scene.codes()).filter(
          ([id, code]) =>
            !["", "timeout"].includes(code) && stored.has(id) && faulty.oddities[Number(id)] !== "repeated",
        );
        expect(wrong).toEqual([]);
      }),
    );
  });

  test("stores nothing twice and nothing that nobody published", async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (faulty) => {
        const scene = await play(faulty);
        expect(new Set(scene.ids()).size).toBe(scene.ids().length);
        expect(scene.ids().filter((id) => !scene.outcomes.has(id))).toEqual([]);
      }),
    );
  });

  test("stores in the order of publishing where nothing goes wrong", async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (faulty) => {
        const scene = await play({ ...faulty, faults: [], finally: "none", breaksAtMs: [] });
        const good = ids(faulty.gapsMs.length).filter((id) => faulty.oddities[Number(id)] !== "denied");
        expect(scene.ids()).toEqual(good);
        expect(
          Object.entries(scene.codes()).filter(([id, code]) => (code === "") !== good.includes(id)),
        ).toEqual([]);
      }),
    );
  });

  test("stores in the order of publishing, whatever goes wrong", async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (faulty) => {
        const stored = (await play(faulty)).ids().map(Number);
        expect(stored).toEqual(stored.toSorted((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });
});

describe("StreamPublisher.publish() with a signal", () => {
  test("sends nothing again, and nothing for the first time, once it aborts", async () => {
    const scene = new Scene();
    const withdrawn = new AbortController();
    scene.stream.faults.push("silent");
    scene.publish(withdrawn.signal, message("a"));
    await scene.wait(10);
    scene.publish(withdrawn.signal, message("b"));
    scene.publish(message("c"));
    withdrawn.abort();
    scene.connection.disconnect();
    await scene.wait(10);
    // What was sent may be stored; what was not is not.
    expect(scene.codes()).toEqual({ a: "timeout", b: "unavailable" });
    scene.connection.reconnect();
    await scene.wait(8000);
    expect(scene.ids()).toEqual(["c"]);
  });

  test("waits for the answer to what is on its way", async () => {
    const scene = new Scene();
    const withdrawn = new AbortController();
    scene.publish(withdrawn.signal, message("a"));
    await scene.wait(1);
    withdrawn.abort();
    await scene.wait(100);
    expect(scene.codes()).toEqual({ a: "" });
  });

  test("gives up what is between two attempts", async () => {
    const scene = new Scene();
    const withdrawn = new AbortController();
    scene.stream.finally = "no-responders";
    scene.publish(withdrawn.signal, message("a"), message("b"));
    await scene.wait(1000);
    expect(scene.codes()).toEqual({});
    withdrawn.abort();
    await scene.wait(200);
    expect(scene.codes()).toEqual({ a: "unavailable", b: "unavailable" });
  });
});
