import { MeshError } from "@adaos/core";
import type { DeadLetter, LetterOwner } from "@adaos/core/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FoundLetter, KeptDeadLetter } from "./dead-letters.ts";
import { replayLetters } from "./replay-letters.ts";

/** The letter at one place: its durable, and how the replay treats it. */
interface Placed {
  readonly durable: string;
  readonly kind: "meant" | "not meant" | "unread" | "fails" | "parked";
}

function letterAt(kept: number, durable: string): KeptDeadLetter {
  const message = { headers: {}, body_base64: "" };
  const entry = { dead_letter_id: `${kept}`, node: "alpha/hall", durable, message } as unknown as DeadLetter;
  return { subnet: "alpha", stream: "DLQ_alpha", kept, entry };
}

async function* found(placed: readonly Placed[]): AsyncGenerator<FoundLetter> {
  for (const [i, { durable, kind }] of placed.entries()) {
    const owner = kind === "parked" ? undefined : { subnet: "alpha", node: "hall", durable };
    yield { kept: i + 1, owner, letter: kind === "unread" ? undefined : letterAt(i + 1, durable) };
  }
}

/** A stream of dead letters, which counts what it is asked. */
class MemoryQueue {
  readonly left: Map<number, string>;
  readonly stored: number[] = [];
  writes = 0;
  most = 0;
  #storing = 0;
  readonly #placed: readonly Placed[];

  constructor(placed: readonly Placed[]) {
    this.#placed = placed;
    this.left = new Map(placed.map(({ durable }, i) => [i + 1, durable]));
  }

  async store({ entry }: Pick<KeptDeadLetter, "entry">): Promise<string> {
    const kept = Number(entry.dead_letter_id);
    if (this.#placed[kept - 1]?.kind === "fails") throw new MeshError("denied", "not signed");
    this.stored.push(kept);
    this.most = Math.max(this.most, ++this.#storing);
    await new Promise((resolve) => setImmediate(resolve));
    this.#storing--;
    return "id";
  }

  async remove({ kept }: { readonly kept: number }): Promise<void> {
    this.writes++;
    this.left.delete(kept);
  }

  async removeUpTo({ durable }: LetterOwner, last: number): Promise<void> {
    this.writes++;
    for (const [kept, of] of this.left) if (of === durable && kept <= last) this.left.delete(kept);
  }
}

async function replayed(placed: readonly Placed[]): Promise<{ queue: MemoryQueue; failed: number[] }> {
  const queue = new MemoryQueue(placed);
  const failed: number[] = [];
  await replayLetters(found(placed), queue, {
    isMeant: ({ kept }) => placed[kept - 1]?.kind !== "not meant",
    onEnd: ({ kept }, error) => {
      if (error !== undefined) failed.push(kept);
    },
  });
  return { queue, failed };
}

describe("replayLetters()", () => {
  test("takes away what is stored and nothing else, in order, whatever lies between", async () => {
    const placed = fc.record({
      durable: fc.constantFrom("a", "b"),
      kind: fc.constantFrom<Placed["kind"]>(
        "meant",
        "meant",
        "meant",
        "not meant",
        "unread",
        "fails",
        "parked",
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(placed, { maxLength: 1500, size: "max" }), async (all) => {
        const { queue, failed } = await replayed(all);
        const placesOf = (...kinds: readonly Placed["kind"][]): number[] =>
          all.flatMap(({ kind }, i) => (kinds.includes(kind) ? [i + 1] : []));
        expect(queue.stored).toEqual(placesOf("meant", "parked"));
        expect([...queue.left.keys()]).toEqual(placesOf("not meant", "unread", "fails"));
        expect(failed.toSorted((a, b) => a - b)).toEqual(placesOf("fails"));
      }),
      { numRuns: 30 },
    );
  });

  test("takes away all of a durable with one write a batch, and has two batches under way at most", async () => {
    const { queue } = await replayed(Array.from({ length: 5000 }, () => ({ durable: "a", kind: "meant" })));
    expect(queue.left.size).toBe(0);
    expect(queue.writes).toBe(10);
    expect(queue.most).toBeLessThanOrEqual(1000);
  });

  test("goes on with the others when the letters of one durable stay", async () => {
    const mixed = Array.from({ length: 2000 }, (_, i): Placed => {
      return i === 0 ? { durable: "a", kind: "fails" } : { durable: i % 2 === 0 ? "a" : "b", kind: "meant" };
    });
    const { queue, failed } = await replayed(mixed);
    expect([failed, [...queue.left.keys()]]).toEqual([[1], [1]]);
    // Those of one durable singly, those of the other together.
    expect(queue.writes).toBe(999 + 4);
  });

  test("takes away without storing what is stored already", async () => {
    const placed = Array.from({ length: 20 }, (): Placed => ({ durable: "a", kind: "meant" }));
    const queue = new MemoryQueue(placed);
    const ended: number[] = [];
    await replayLetters(found(placed), queue, {
      isMeant: () => true,
      isStored: ({ kept }) => kept <= 15,
      onEnd: ({ kept }) => ended.push(kept),
    });
    expect(queue.stored).toEqual([16, 17, 18, 19, 20]);
    expect([queue.left.size, ended.length]).toEqual([0, 20]);
  });

  test("ends between two batches, with each stored letter taken away and told", async () => {
    const placed = Array.from({ length: 100 }, (): Placed => ({ durable: "a", kind: "meant" }));
    const queue = new MemoryQueue(placed);
    const stopping = new AbortController();
    const ended: number[] = [];
    await replayLetters(found(placed), queue, {
      isMeant: () => true,
      perSecond: 100,
      signal: stopping.signal,
      onEnd: ({ kept }) => {
        if (ended.push(kept) === 10) stopping.abort();
      },
    });
    expect(ended.length).toBeLessThan(40);
    expect(queue.stored).toEqual(ended);
    expect(queue.left.size).toBe(100 - ended.length);
  });
});
