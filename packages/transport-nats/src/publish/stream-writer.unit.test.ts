import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import { type Fault, StreamStandIn } from "../../../../test/kit/stream-stand-in.ts";
import { type Outgoing, StreamWriter, type WriteResult } from "./stream-writer.ts";

const WAIT_MS = 1000;

function outgoing(count: number, changes: Partial<Outgoing> = {}): Outgoing[] {
  return Array.from({ length: count }, (_, i) => ({
    message: { subject: "evt.alpha.kitchen.x.y.v1", id: `e${i + 1}`, headers: {}, body: new Uint8Array(20) },
    mayBeStored: false,
    ...changes,
  }));
}

class Scene {
  readonly connection = new ConnectionStandIn();
  readonly stream = new StreamStandIn(this.connection);
  readonly writer: StreamWriter;

  constructor(takesFastBatches = true) {
    this.writer = new StreamWriter(this.connection, { checksDuplicates: true, takesFastBatches });
  }

  async write(batch: readonly Outgoing[], faults: readonly Fault[] = []): Promise<WriteResult> {
    this.stream.faults.push(...faults);
    const writing = this.writer.write(batch, WAIT_MS);
    await vi.advanceTimersByTimeAsync(5000);
    return writing;
  }

  ids(): string[] {
    return this.stream.stored.map(({ id }) => id);
  }

  /** Messages that were sent and were part of a write. */
  get kinds(): string[] {
    return this.connection.sent.map(({ reply, headers }) => {
      if (headers["Nats-Batch-Id"] !== undefined) return "atomic";
      return reply?.endsWith("$FI") === true ? "fast" : "single";
    });
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const upTo = (count: number): string[] => Array.from({ length: count }, (_, i) => `e${i + 1}`);

describe("StreamWriter.write()", () => {
  test.each([
    [1, "single"],
    [2, "fast"],
    [12, "fast"],
    [13, "atomic"],
    [500, "atomic"],
  ])("stores %i in order, as a write that is %s", async (count, kind) => {
    const scene = new Scene();
    expect(await scene.write(outgoing(count))).toEqual({ stored: count });
    expect(scene.ids()).toEqual(upTo(count));
    expect(new Set(scene.kinds)).toEqual(new Set([kind]));
  });

  test("tells how many of a fast batch are stored, and why the next is not", async () => {
    const scene = new Scene();
    const { stored, error } = await scene.write(outgoing(5), ["full"]);
    expect([stored, error?.code]).toEqual([4, "backpressure"]);
    expect(scene.ids()).toEqual(upTo(4));
  });

  test("stores nothing behind a message of a fast batch that the server refuses", async () => {
    const scene = new Scene();
    const batch = outgoing(5);
    const third = batch[2];
    if (third === undefined) throw new Error("there are five");
    batch[2] = { ...third, message: { ...third.message, subject: "evt.alpha.kitchen.x.z.v1" } };
    scene.stream.denied.add("evt.alpha.kitchen.x.z.v1");
    const { error } = await scene.write(batch);
    expect(error?.code).toBe("denied");
    expect(scene.ids()).toEqual(upTo(2));
  });

  test("takes the first of a fast batch for what the server refuses, and stores none", async () => {
    const scene = new Scene();
    scene.stream.denied.add("evt.alpha.kitchen.x.y.v1");
    const { stored, error } = await scene.write(outgoing(5));
    expect([stored, error?.code]).toEqual([0, "denied"]);
    expect(scene.ids()).toEqual([]);
  });

  test.each<[Fault, string]>([
    ["silent", "timeout"],
    ["ack-lost", "timeout"],
    ["broken-before", "timeout"],
    ["broken-after", "timeout"],
    ["no-responders", "unavailable"],
    ["unavailable", "unavailable"],
  ])("tells of a write whose fault is %s that it is %s", async (fault, code) => {
    const scene = new Scene();
    const { stored, error } = await scene.write(outgoing(13), [fault]);
    expect([stored, error?.code]).toEqual([0, code]);
  });

  test("waits no longer than it was told", async () => {
    const scene = new Scene();
    scene.stream.finally = "silent";
    let result: WriteResult | undefined;
    void scene.writer.write(outgoing(2), WAIT_MS).then((told) => {
      result = told;
    });
    await vi.advanceTimersByTimeAsync(WAIT_MS - 100);
    expect(result).toBeUndefined();
    await vi.advanceTimersByTimeAsync(600);
    expect(result?.error?.code).toBe("timeout");
  });

  test("looks at what may be stored already, message by message, in no fast batch", async () => {
    const scene = new Scene();
    scene.stream.directGet = "held";
    await scene.write(outgoing(3), ["ack-lost"]);
    expect(await scene.write(outgoing(5, { mayBeStored: true }))).toEqual({ stored: 5 });
    expect(scene.ids()).toEqual(upTo(5));
    expect(scene.kinds.slice(3)).not.toContain("fast");
  });

  test("gives a message another id whose own is another's", async () => {
    const scene = new Scene();
    scene.stream.directGet = "held";
    scene.stream.stored.push({ id: "e1", seq: 1, subject: "evt.alpha.kitchen.x.other.v1" });
    const [one] = outgoing(1);
    if (one === undefined) throw new Error("there is one");
    expect((await scene.write([one])).error?.code).toBe("unavailable");
    expect(await scene.write([one])).toEqual({ stored: 1 });
    expect(scene.stream.stored[1]?.id).toMatch(/^e1\w{22}$/);
  });

  test("stores what comes before a message that no stream takes, and tells of that one", async () => {
    const scene = new Scene();
    const batch = outgoing(20);
    const last = batch[15];
    if (last === undefined) throw new Error("there are twenty");
    batch[15] = { ...last, message: { ...last.message, body: new Uint8Array(2_000_000) } };
    expect(await scene.write(batch)).toEqual({ stored: 15 });
    expect((await scene.write(batch.slice(15))).error?.code).toBe("too-large");
  });

  test("takes one at a time, or a batch, where the stream takes no fast ones", async () => {
    const scene = new Scene(false);
    expect([1, 5, 6, 600].map((waiting) => scene.writer.sizeFor(waiting))).toEqual([1, 1, 6, 500]);
    await scene.write(outgoing(3));
    expect(scene.kinds).not.toContain("fast");
  });
});
