import { LocalMarks } from "@adaos/transport-local";
import { describe, expect, test } from "vitest";
import { envelopeOf } from "../../../../test/kit/stand-ins.ts";
import type { IdempotencyStore, Marks } from "../transport.ts";
import { type Effect, effectKey, JoinedOnce, MarkedOnce, type Once, StoreTrouble } from "./once.ts";

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

/** An effect of this key, as far as the tests ask. */
function effectOf(key: string, run: Effect["run"], onDone: () => void = () => undefined): Effect {
  return { key, storedMs: 0, run, onDone };
}

const marked = (marks: Marks = new LocalMarks()): Once => new MarkedOnce(marks, "d");
/** A store of the user's own that keeps its marks in memory. */
const joined = (): Once => {
  const done = new Set<string>();
  const store: IdempotencyStore = {
    async once(_durable, key, effect) {
      if (done.has(key)) return false;
      await effect(undefined);
      done.add(key);
      return true;
    },
  };
  return new JoinedOnce(store, "d", 1000);
};

describe.each([
  ["MarkedOnce", marked],
  ["JoinedOnce", joined],
])("%s", (_, newOnce) => {
  test("runs one of several at the same time, and tells the others when that has ended", async () => {
    const once = newOnce();
    const log: string[] = [];
    const effect = async (): Promise<void> => {
      log.push("begin");
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.push("end");
    };
    const three = [1, 2, 3].map(() => once.run(effectOf("k", effect)));
    expect(await Promise.all(three)).toEqual([true, false, false]);
    expect(log).toEqual(["begin", "end"]);
  });

  test("lets the second try when the first has failed", async () => {
    const once = newOnce();
    const failing = once.run(effectOf("k", () => Promise.reject(new Error("no"))));
    const second = once.run(effectOf("k", () => Promise.resolve()));
    await expect(failing).rejects.toThrow("no");
    expect(await second).toBe(true);
  });
});

describe("MarkedOnce", () => {
  test("says that an effect is done when it has ended, before it is marked", async () => {
    const log: string[] = [];
    const marks: Marks = {
      has: () => false,
      mark: async () => {
        log.push("written");
        await new Promise((resolve) => setTimeout(resolve, 1));
        log.push("kept");
      },
    };
    const effect = effectOf(
      "k",
      () => void log.push("effect"),
      () => log.push("done"),
    );
    expect(await marked(marks).run(effect)).toBe(true);
    expect(log).toEqual(["effect", "written", "done", "kept"]);
  });

  test("tells the trouble of marks from the handler's, and runs nothing that cannot be looked for", async () => {
    let ran = 0;
    const effect = effectOf("k", () => void ran++);
    const throws = (): never => {
      throw new Error("disk");
    };
    for (const has of [throws, () => Promise.reject(new Error("disk"))]) {
      const once = marked({ has, mark: () => Promise.resolve() });
      await expect((async () => once.run(effect))()).rejects.toBeInstanceOf(StoreTrouble);
    }
    expect(ran).toBe(0);
    const handlersOwn = new TypeError("handler");
    const failing = [() => Promise.reject(handlersOwn), throwing(handlersOwn)];
    for (const run of failing)
      await expect((async () => marked().run(effectOf("k", run)))()).rejects.toBe(handlersOwn);
  });

  test("marks what it could not mark before, and does not repeat it", async () => {
    let failures = 2;
    let ran = 0;
    const once = marked({
      // A mark that is not on disk may be seen all the same.
      has: () => ran > 0,
      mark: () => (failures-- > 0 ? Promise.reject(new Error("disk")) : Promise.resolve()),
    });
    const effect = effectOf("k", () => void ran++);
    for (let i = 0; i < 2; i++) {
      await expect((async () => once.run(effect))()).rejects.toBeInstanceOf(StoreTrouble);
    }
    expect([await once.run(effect), await once.run(effect), failures]).toEqual([false, false, -1]);
    expect(ran).toBe(1);
  });
});

function throwing(error: Error): () => never {
  return () => {
    throw error;
  };
}

describe("JoinedOnce", () => {
  test("waits for a store that hangs no longer than it may", async () => {
    const hangs: IdempotencyStore = { once: () => new Promise(() => {}) };
    const once = new JoinedOnce(hangs, "d", 20);
    for (let i = 0; i < 2; i++) {
      await expect(once.run(effectOf("k", async () => {}))).rejects.toBeInstanceOf(StoreTrouble);
    }
  });

  test("tells the store's trouble from the handler's", async () => {
    const broken: IdempotencyStore = {
      once: async (_durable, key, effect) => {
        if (key === "before") throw new Error("disk");
        await effect(undefined);
        throw new Error("disk");
      },
    };
    const once = new JoinedOnce(broken, "d", 1000);
    const done = (): Promise<void> => Promise.resolve();
    await expect(once.run(effectOf("before", done))).rejects.toBeInstanceOf(StoreTrouble);
    await expect(once.run(effectOf("after", done))).rejects.toBeInstanceOf(StoreTrouble);
    const handlersOwn = new TypeError("handler");
    await expect(once.run(effectOf("after", () => Promise.reject(handlersOwn)))).rejects.toBe(handlersOwn);
  });
});

describe("LocalMarks", () => {
  test("remembers by durable and key, and forgets the oldest first", async () => {
    const marks = new LocalMarks(2);
    await marks.mark("d", "1");
    expect([marks.has("d", "1"), marks.has("e", "1")]).toEqual([true, false]);
    await marks.mark("e", "1");
    await marks.mark("d", "2");
    expect([marks.has("e", "1"), marks.has("d", "1")]).toEqual([true, false]);
    expect(() => new LocalMarks(0)).toThrow("maxKeys");
  });
});
