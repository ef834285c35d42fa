import { MeshError } from "@adaos/core";
import type { JsMsg } from "nats";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { settle } from "./from-stream.ts";
import type { BridgeInOptions } from "./into-mesh.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const EVENT = { specversion: "1.0", id: "1", source: "/shop", type: "ui.notify.v1", data: {} };

/** One message, and all that happens to it. */
class Stand {
  readonly told: string[] = [];
  readonly said: string[] = [];
  readonly stored: string[] = [];
  readonly stop = new AbortController();
  readonly failures: (Error | undefined)[];
  storeFailures = 0;
  published = 0;
  working = 0;

  constructor(...failures: (Error | undefined)[]) {
    this.failures = failures;
  }

  settle(refused?: string): Promise<MeshError | undefined> {
    const msg = {
      info: { stream: "IN" },
      seq: 7,
      data: new TextEncoder().encode(JSON.stringify(EVENT)),
      ack: () => this.told.push("ack"),
      nak: () => this.told.push("nak"),
      term: () => this.told.push("term"),
      working: () => this.working++,
    };
    const bus = {
      publish: async () => {
        const failure = this.failures[Math.min(this.published++, this.failures.length - 1)];
        if (failure !== undefined) throw failure;
      },
    };
    const js = {
      publish: async (subject: string) => {
        if (this.storeFailures-- > 0) throw new Error("no answer");
        this.stored.push(subject);
      },
    };
    const options: BridgeInOptions = {
      subject: "shop.in",
      durable: "d",
      types: new Map(),
      refused,
      say: (line) => this.said.push(line),
    };
    const foreign = { js, nc: { isClosed: () => false } };
    return settle(bus as never, foreign as never, msg as unknown as JsMsg, options, this.stop.signal);
  }
}

const FULL = new MeshError("backpressure", "the outbox is full");
const WRONG = new MeshError("invalid-event", "breaks its schema");

describe("settle()", () => {
  test("tries again in place what may be over, and keeps the message its own meanwhile", async () => {
    const stand = new Stand(...Array.from({ length: 20 }, () => FULL), undefined);
    const settled = stand.settle();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await settled).toBeUndefined();
    expect([stand.told, stand.published]).toEqual([["ack"], 21]);
    expect(stand.working).toBeGreaterThan(10);
    expect(stand.said).toEqual(["not yet IN 7: the outbox is full"]);
    const { working } = stand;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(stand.working).toBe(working);
  });

  test.each([undefined, "shop.refused"])(
    "stops in the end, and leaves it where it is (refused: %s)",
    async (to) => {
      const stand = new Stand(FULL);
      const settled = stand.settle(to);
      await vi.advanceTimersByTimeAsync(700_000);
      expect(await settled).toMatchObject({
        code: "unavailable",
        message: expect.stringMatching(/^IN 7 .* all after it waits: the outbox is full$/),
      });
      expect([stand.told, stand.stored]).toEqual([[], []]);
    },
  );

  test("refuses at once what is the message's own fault", async () => {
    const stand = new Stand(WRONG);
    expect(await stand.settle("shop.refused")).toBeUndefined();
    expect([stand.published, stand.stored, stand.told]).toEqual([1, ["shop.refused"], ["term"]]);
  });

  test("tries a failure of no known kind five times, and refuses it where that is kept", async () => {
    const stand = new Stand(new Error("who knows"));
    const settled = stand.settle("shop.refused");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await settled).toBeUndefined();
    expect([stand.published, stand.stored, stand.told]).toEqual([5, ["shop.refused"], ["term"]]);
  });

  test("stops at one where nothing keeps it", async () => {
    const stand = new Stand(new Error("who knows"));
    const settled = stand.settle();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await settled).toMatchObject({ code: "unavailable" });
    expect([stand.published, stand.told]).toEqual([5, []]);
  });

  test("ends nothing before it is stored where refused messages go", async () => {
    const stand = new Stand(WRONG);
    stand.storeFailures = 3;
    const settled = stand.settle("shop.refused");
    await vi.advanceTimersByTimeAsync(3000);
    expect(stand.told).toEqual([]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await settled).toBeUndefined();
    expect([stand.stored, stand.told]).toEqual([["shop.refused"], ["term"]]);
  });

  test("gives it back when asked to stop", async () => {
    const stand = new Stand(FULL);
    const settled = stand.settle();
    await vi.advanceTimersByTimeAsync(5000);
    stand.stop.abort();
    expect(await settled).toBeUndefined();
    expect(stand.told).toEqual(["nak"]);
  });
});
