import { LocalIdempotencyStore } from "@adaos/transport-local";
import { describe, expect, test } from "vitest";
import { envelopeOf } from "../../../../test/kit/stand-ins.ts";
import type { IdempotencyStore } from "../transport.ts";
import { effectKey, Once, StoreTrouble } from "./once.ts";

const ADDRESS = { subnet: "alpha", node: "kitchen", name: "ui.notify", version: 1 };

describe("effectKey()", () => {
  const plain = effectKey(envelopeOf(), ADDRESS);

  test("goes by the idempotency key, else by the event id", () => {
    const keyed = envelopeOf({ headers: { idempotency_key: "intent:123" } });
    const other = envelopeOf({
      event_id: "EVT-20250923-162000-ffffffffffff",
      headers: { idempotency_key: "intent:123" },
    });
    expect(effectKey(keyed, ADDRESS)).toBe(effectKey(other, ADDRESS));
    expect(effectKey(keyed, ADDRESS)).not.toBe(plain);
    expect(effectKey({ ...envelopeOf(), event_id: other.event_id }, ADDRESS)).not.toBe(plain);
  });

  test.each([
    ["subnet", { ...ADDRESS, subnet: "beta" }, {}],
    ["node", { ...ADDRESS, node: "speaker" }, {}],
    ["event", { ...ADDRESS, name: "ui.shown" }, {}],
    ["version", { ...ADDRESS, version: 2 }, {}],
    ["tenant", ADDRESS, { tenant: "other" }],
  ])("is another one in another %s, which cannot name this one's", (_, address, changes) => {
    expect(effectKey(envelopeOf(changes), address)).not.toBe(plain);
  });

  test("fits into a subject", () => {
    const odd = envelopeOf({ headers: { idempotency_key: "a.b > * \u0000 ü" } });
    expect(effectKey(odd, ADDRESS)).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("Once", () => {
  test("runs one of two at the same time, and tells the other when that has ended", async () => {
    const once = new Once(new LocalIdempotencyStore(), "d", 1000);
    const log: string[] = [];
    const effect = async (): Promise<void> => {
      log.push("begin");
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.push("end");
    };
    expect(await Promise.all([once.run("k", effect), once.run("k", effect)])).toEqual([true, false]);
    expect(log).toEqual(["begin", "end"]);
  });

  test("lets the second try when the first has failed", async () => {
    const once = new Once(new LocalIdempotencyStore(), "d", 1000);
    const failing = once.run("k", () => Promise.reject(new Error("no")));
    const second = once.run("k", () => Promise.resolve());
    await expect(failing).rejects.toThrow("no");
    expect(await second).toBe(true);
  });

  test("waits for a store that hangs no longer than it may", async () => {
    const hangs: IdempotencyStore = { once: () => new Promise(() => {}) };
    const once = new Once(hangs, "d", 20);
    await expect(once.run("k", async () => {})).rejects.toBeInstanceOf(StoreTrouble);
    await expect(once.run("k", async () => {})).rejects.toBeInstanceOf(StoreTrouble);
  });

  test("tells the store's trouble from the handler's", async () => {
    const broken: IdempotencyStore = {
      once: async (_durable, key, effect) => {
        if (key === "before") throw new Error("disk");
        await effect(undefined);
        throw new Error("disk");
      },
    };
    const once = new Once(broken, "d", 1000);
    const done = (): Promise<void> => Promise.resolve();
    await expect(once.run("before", done)).rejects.toBeInstanceOf(StoreTrouble);
    await expect(once.run("after", done)).rejects.toBeInstanceOf(StoreTrouble);
    const handlersOwn = new TypeError("handler");
    await expect(once.run("after", () => Promise.reject(handlersOwn))).rejects.toBe(handlersOwn);
  });
});

describe("LocalIdempotencyStore", () => {
  test("remembers by durable and key, and forgets the oldest first", async () => {
    const store = new LocalIdempotencyStore(2);
    const ran = (durable: string, key: string): Promise<boolean> => store.once(durable, key, async () => {});
    expect([await ran("d", "1"), await ran("d", "1"), await ran("e", "1")]).toEqual([true, false, true]);
    expect(await ran("d", "2")).toBe(true);
    expect([await ran("e", "1"), await ran("d", "1")]).toEqual([false, true]);
    expect(() => new LocalIdempotencyStore(0)).toThrow("maxKeys");
  });
});
