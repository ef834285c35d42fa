import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import { PinnedDurableStandIn } from "../../../../test/kit/pinned-durable-stand-in.ts";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import type { OrderedMessage } from "./ordered-message.ts";
import { PinnedConsumer } from "./pinned-consumer.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A puller from a durable that holds `count` messages. Messages handed to the test stay until it is done with them. */
class Scene {
  readonly connection = new ConnectionStandIn();
  readonly durable: PinnedDurableStandIn;
  readonly consumer: PinnedConsumer;
  readonly handed: OrderedMessage[] = [];
  voids = 0;

  constructor(count: number, onMessage: (message: OrderedMessage) => void = () => undefined) {
    this.durable = new PinnedDurableStandIn(this.connection, count);
    this.consumer = new PinnedConsumer(this.connection, {
      stream: "EVENTS_alpha",
      consumer: "root",
      domain: "alpha",
      apiPrefix: "$JS.API",
      log: new RecordingLog(),
      onMissing: () => undefined,
      onState: () => undefined,
      onMessage: (message) => {
        this.handed.push(message);
        onMessage(message);
      },
      onVoid: () => {
        this.voids++;
      },
    });
  }

  seqs(): number[] {
    return this.handed.map(({ seq }) => seq);
  }

  asked(): Record<string, unknown>[] {
    return this.connection.sent
      .filter(({ subject }) => subject.includes("MSG.NEXT"))
      .map(({ text }) => JSON.parse(text));
  }

  words(word: string): number[] {
    return this.connection.sent
      .filter(({ subject, text }) => subject.startsWith("$JS.ACK") && text === word)
      .map(({ subject }) => Number(subject.split(".")[5]));
  }

  async end(): Promise<void> {
    const stopping = this.consumer.stop();
    await vi.advanceTimersByTimeAsync(1500);
    await stopping;
    this.durable.stop();
    expect(this.connection.open).toEqual({ listeners: 0, subscriptions: 0 });
    await vi.advanceTimersByTimeAsync(10);
    expect(vi.getTimerCount()).toBe(0);
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe("PinnedConsumer", () => {
  test("asks twice for little, then for half of what it may hold, in the group, with the pin once it has it", async () => {
    const scene = new Scene(10_000, (message) => message.done());
    expect(scene.asked()).toMatchObject([
      { batch: 64, max_bytes: 4_194_304, group: "link" },
      { batch: 64, max_bytes: 4_194_304, group: "link" },
    ]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(scene.seqs()).toEqual(upTo(10_000));
    expect(scene.consumer.isServed).toBe(true);
    expect(scene.asked()).toContainEqual(
      expect.objectContaining({ batch: 1000, max_bytes: 4_194_304, group: "link", id: "pin-1" }),
    );
    await scene.end();
  });

  test.each([
    { inBytesPerMs: 8, wireMs: 3, bytes: 800, atLeast: 0.8 },
    { inBytesPerMs: 30, wireMs: 50, bytes: 800, atLeast: 0.8 },
    { inBytesPerMs: 30, wireMs: 300, bytes: 800, atLeast: 0.6 },
    { inBytesPerMs: 125, wireMs: 10, bytes: 4000, atLeast: 0.8 },
  ])(
    "asks for what a line brings soon: $inBytesPerMs B/ms, $wireMs ms each way",
    async ({ bytes, ...line }) => {
      const scene = new Scene(1600, (message) => message.done());
      Object.assign(scene.connection, line);
      scene.durable.bytes = bytes;
      await vi.advanceTimersByTimeAsync(20_000);
      const [before, askedBefore] = [scene.handed.length, scene.asked().length];
      await vi.advanceTimersByTimeAsync(20_000);
      const share = ((scene.handed.length - before) * bytes) / (line.inBytesPerMs * 20_000);
      expect(share).toBeGreaterThan(line.atLeast);
      for (const { batch, max_bytes: maxBytes } of scene.asked().slice(askedBefore))
        if (maxBytes !== 1) expect((Number(batch) * bytes) / line.inBytesPerMs).toBeLessThan(2000);
      expect(scene.seqs()).toEqual(upTo(scene.handed.length));
      expect(scene.consumer.unasked).toBe(0);
      // Messages that are still on the line.
      scene.durable.count = 0;
      await vi.advanceTimersByTimeAsync(5000);
      await scene.end();
    },
  );

  test("hands over in order and acknowledges how far all is done, never further", async () => {
    const scene = new Scene(5);
    await vi.advanceTimersByTimeAsync(200);
    expect(scene.seqs()).toEqual([1, 2, 3, 4, 5]);
    for (const at of [4, 2, 1]) scene.handed[at]?.done();
    await vi.advanceTimersByTimeAsync(10);
    expect(scene.words("+ACK")).toEqual([]);
    scene.handed[0]?.done();
    await vi.advanceTimersByTimeAsync(10);
    expect(scene.words("+ACK")).toEqual([3]);
    scene.handed[3]?.done();
    await vi.advanceTimersByTimeAsync(10);
    expect(scene.words("+ACK")).toEqual([3, 5]);
    await scene.end();
  });

  test("hands over nothing past a delivery that was lost, and asks for it by number", async () => {
    const scene = new Scene(50);
    scene.durable.lose = 7;
    await vi.advanceTimersByTimeAsync(500);
    expect(scene.words("-NAK")).toEqual(upTo(7));
    expect(scene.seqs()).toEqual(upTo(50));
    await scene.end();
  });

  test("begins where another puller has stopped, with what that one was given and did not finish", async () => {
    const connection = new Scene(30);
    connection.durable.takePinAway(12);
    await vi.advanceTimersByTimeAsync(1000);
    expect(connection.seqs()).toEqual(upTo(30));
    await connection.end();
  });

  test("hands over in order what is more than it may hold, all of it left by another puller", async () => {
    const scene = new Scene(250, (message) => setTimeout(() => message.done(), 50));
    scene.durable.bytes = 100_000;
    scene.durable.takePinAway(200);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(scene.seqs()).toEqual(upTo(250));
    expect([scene.durable.floor, scene.consumer.held]).toEqual([250, 0]);
    await scene.end();
  });

  test("forgets what it holds when another is served, and is handed it again", async () => {
    const scene = new Scene(20);
    await vi.advanceTimersByTimeAsync(200);
    scene.durable.takePinAway(0);
    await vi.advanceTimersByTimeAsync(5000);
    expect([scene.voids, scene.seqs()]).toEqual([1, [...upTo(20), ...upTo(20)]]);
    scene.handed[3]?.done();
    await vi.advanceTimersByTimeAsync(10);
    expect(scene.words("+ACK")).toEqual([]);
    await scene.end();
  });

  test("holds no more than 2,000 messages, and asks for nothing but its pin while nothing is done", async () => {
    const scene = new Scene(10_000);
    await vi.advanceTimersByTimeAsync(4000);
    expect(scene.consumer.held).toBe(2000);
    const before = scene.asked().length;
    await vi.advanceTimersByTimeAsync(5000);
    const since = scene.asked().slice(before);
    expect(since.length).toBeGreaterThan(4);
    expect(since.every(({ batch, max_bytes: maxBytes }) => batch === 1 && maxBytes === 1)).toBe(true);
    expect(scene.consumer.held).toBe(2000);
    await scene.end();
  });

  test("asks anew when the word that a request has ended is lost", async () => {
    const scene = new Scene(3, (message) => message.done());
    scene.durable.tellsEnds = false;
    await vi.advanceTimersByTimeAsync(5000);
    scene.durable.count = 6;
    await vi.advanceTimersByTimeAsync(4000);
    expect(scene.seqs()).toEqual(upTo(6));
    await scene.end();
  });

  test("acknowledges what comes again after the server has ignored an acknowledgement", async () => {
    const scene = new Scene(4);
    scene.durable.lose = 1;
    await vi.advanceTimersByTimeAsync(4000);
    expect(scene.seqs()).toEqual(upTo(4));
    // The first message was delivered last: once it is acknowledged, the earlier deliveries cannot be acknowledged.
    for (const message of scene.handed) {
      message.done();
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(8000);
    expect(scene.durable.floor).toBe(4);
    await scene.end();
  });

  test("swallows nothing of a durable that was made anew further back", async () => {
    const scene = new Scene(40, (message) => message.done());
    await vi.advanceTimersByTimeAsync(500);
    expect(scene.durable.floor).toBe(40);
    scene.durable.rewind(11);
    await vi.advanceTimersByTimeAsync(4000);
    expect(scene.seqs()).toEqual([...upTo(40), ...upTo(40).slice(10)]);
    expect(scene.durable.floor).toBe(40);
    expect(scene.voids).toBeGreaterThan(0);
    await scene.end();
  });

  describe("from a hub that is hostile", () => {
    /** Answers the first request for messages with data of the test's choice. */
    function send(
      scene: Scene,
      count: number,
      message: (i: number) => { text: string; reply: string },
    ): void {
      scene.durable.stop();
      const pull = scene.connection.sent.findLast(({ subject }) => subject.includes("MSG.NEXT"));
      for (let i = 0; i < count; i++)
        scene.connection.deliver(pull?.reply ?? "", { subject: "evt.x", ...message(i) });
    }

    test("acknowledges nothing of anybody else, and hands it over to nobody", async () => {
      const scene = new Scene(0);
      const sources = [
        "MESH.to-beta",
        "EVENTS_beta.root",
        "beta.ACC.EVENTS_alpha.root",
        "alpha.>.EVENTS_alpha.root",
      ];
      send(scene, 40, (i) => ({ text: "x", reply: `$JS.ACK.${sources[i % 4]}.1.${i + 1}.${i + 1}.0.0` }));
      await vi.advanceTimersByTimeAsync(4000);
      expect(scene.handed).toEqual([]);
      expect(scene.consumer.unasked).toBe(40);
      expect(scene.connection.sent.filter(({ subject }) => subject.startsWith("$JS.ACK"))).toEqual([]);
      await scene.end();
    });

    test("takes no more than it has asked for, and listens no more to who goes on", async () => {
      const scene = new Scene(0);
      send(scene, 1300, (i) => ({ text: "x", reply: `$JS.ACK.EVENTS_alpha.root.1.${i + 1}.${i + 1}.0.0` }));
      await vi.advanceTimersByTimeAsync(100);
      expect(scene.consumer.unasked).toBe(101);
      expect(scene.connection.open.subscriptions).toBe(0);
      const before = scene.asked().length;
      await vi.advanceTimersByTimeAsync(4500);
      expect(scene.asked()).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1000);
      expect(scene.asked().length).toBeGreaterThan(before);
      await scene.end();
    });

    test("holds 8.5 MiB behind a gap and no more", async () => {
      const scene = new Scene(0);
      const text = "x".repeat(500_000);
      let peakBytes = 0;
      for (let round = 0; round < 20; round++) {
        send(scene, 8, (i) => {
          const seq = 1000 + (round * 8 + i) * 2;
          return { text, reply: `$JS.ACK.EVENTS_alpha.root.1.${seq}.${seq}.0.0` };
        });
        await vi.advanceTimersByTimeAsync(500);
        peakBytes = Math.max(peakBytes, scene.consumer.heldBytes);
      }
      expect(peakBytes).toBeGreaterThan(4 * 1024 * 1024);
      expect(peakBytes).toBeLessThan(9 * 1024 * 1024);
      expect(scene.handed).toEqual([]);
      await scene.end();
    });
  });

  test("gives its pin back when it stops", async () => {
    const scene = new Scene(3);
    await vi.advanceTimersByTimeAsync(200);
    await scene.end();
    expect(scene.durable.unpinned).toBe(1);
  });

  test("whatever is lost and whoever is served meanwhile, nothing is left out and nothing overtakes", async () => {
    const plan = fc.record({
      count: fc.integer({ min: 1, max: 60 }),
      ms: fc.array(fc.constantFrom(0, 5, 60, 900), { minLength: 1, maxLength: 8 }),
      trouble: fc.array(
        fc.record({
          atMs: fc.integer({ min: 0, max: 6000 }),
          what: fc.constantFrom("lose", "break", "pin"),
          by: fc.integer({ min: 0, max: 9 }),
        }),
        { maxLength: 6 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ count, ms, trouble }) => {
        const first: number[] = [];
        const finished = new Set<number>();
        const tooEarly = new Set<number>();
        const scene = new Scene(count, (message) => {
          if (!first.includes(message.seq)) first.push(message.seq);
          setTimeout(
            () => {
              finished.add(message.seq);
              message.done();
            },
            ms[message.seq % ms.length],
          );
        });
        const clock = setInterval(() => {
          // Every acknowledged message has been done.
          for (let seq = 1; seq <= scene.durable.floor; seq++) if (!finished.has(seq)) tooEarly.add(seq);
        }, 50);
        for (const { atMs, what, by } of trouble) {
          setTimeout(() => {
            if (what === "lose") scene.durable.lose += by;
            else if (what === "pin") scene.durable.takePinAway(by);
            else scene.connection.disconnect();
          }, atMs);
          if (what === "break") setTimeout(() => scene.connection.reconnect(), atMs + 300);
        }
        await vi.advanceTimersByTimeAsync(60_000);
        clearInterval(clock);
        expect([...tooEarly]).toEqual([]);
        expect(first).toEqual(upTo(count));
        expect([scene.durable.floor, scene.consumer.held]).toEqual([count, 0]);
        await scene.end();
      }),
      { numRuns: 40 },
    );
  });
});
