import { MeshError } from "@adaos/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ids, message, PublisherScene, SECRET } from "../../../../test/kit/publisher-scene.ts";
import type { Fault } from "../../../../test/kit/stream-stand-in.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
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
  /** The oddity of a message: the server denies its subject, or its id repeats the one before. */
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
  }: typeof plan extends fc.Arbitrary<infer T> ? T : never): Promise<PublisherScene> {
    const scene = new PublisherScene();
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
        // Of two messages with one id, the second may rightly be reported as not stored.
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
