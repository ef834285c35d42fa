import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideShares, StreamHoldings } from "./stream-shares.ts";

const MAX = 1000;
const SHARE = 0.75;

function decide(held: Record<string, number>, over: readonly string[] = [], isComplete = true): string[] {
  const usedBytes = Object.values(held).reduce((sum, bytes) => sum + bytes, 0);
  const fill = { maxBytes: MAX, usedBytes, held: new Map(Object.entries(held)), isComplete };
  return [...decideShares(fill, SHARE, new Set(over))].sort();
}

describe("decideShares()", () => {
  test("lets one alone have its share of the stream, and no more", () => {
    expect(decide({ evil: 750 })).toEqual([]);
    expect(decide({ evil: 751 })).toEqual(["evil"]);
  });

  test("finds who floods, and not who holds little of a stream that is full", () => {
    expect(decide({ evil: 800, kitchen: 99 })).toEqual(["evil"]);
    expect(decide({ evil: 601, kitchen: 300, desk: 99 })).toEqual(["evil", "kitchen"]);
    expect(decide({ evil: 751, kitchen: 249, desk: 0 })).toEqual(["evil"]);
  });

  test("lets in again only well below the share, and only when all is known", () => {
    expect(decide({ evil: 740 }, ["evil"])).toEqual(["evil"]);
    expect(decide({ evil: 600 }, ["evil"])).toEqual([]);
    expect(decide({ evil: 600 }, ["evil"], false)).toEqual(["evil"]);
    expect(decide({}, ["evil"])).toEqual([]);
  });

  test("what is not known yet speaks for a holder", () => {
    const fill = { maxBytes: MAX, usedBytes: 900, held: new Map([["evil", 200]]), isComplete: false };
    expect([...decideShares(fill, SHARE, new Set())]).toEqual([]);
  });

  test("whoever floods, there is room for one that holds less than its fair part", () => {
    const script = fc.array(fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 10 })), { maxLength: 1500 });
    const share = fc.double({ min: 0.1, max: 0.9, noNaN: true });
    fc.assert(
      fc.property(script, share, (writes, part) => {
        const held = new Map<string, number>();
        let usedBytes = 0;
        let over = new Set<string>();
        for (const [who, bytes] of writes) {
          // Refused at once, as by a server; one write was under way.
          if (over.has(`flood${who}`)) continue;
          held.set(`flood${who}`, (held.get(`flood${who}`) ?? 0) + bytes);
          usedBytes += bytes;
          over = decideShares({ maxBytes: MAX, usedBytes, held, isComplete: true }, part, over);
        }
        // n flooding holders leave 1/(1 + n * share/(1 - share)), less one write of each.
        const left = MAX / (1 + (5 * part) / (1 - part)) - 5 * 10;
        expect(MAX - usedBytes).toBeGreaterThanOrEqual(Math.floor(left));
      }),
    );
  });
});

describe("StreamHoldings", () => {
  test("knows the sums of a stream that grows and drops its oldest, wrong by a chunk at most and never too low", () => {
    const steps = fc.array(
      fc.oneof(
        {
          weight: 9,
          arbitrary: fc.tuple(fc.constant("add" as const), fc.nat(3), fc.integer({ min: 1, max: 9 })),
        },
        { weight: 1, arbitrary: fc.tuple(fc.constant("drop" as const), fc.nat(200), fc.constant(0)) },
      ),
      { maxLength: 3000 },
    );
    fc.assert(
      fc.property(steps, (script) => {
        const books = new StreamHoldings();
        const model: { seq: number; holder: string; bytes: number }[] = [];
        let seq = 0;
        for (const [what, number, bytes] of script) {
          if (what === "drop") {
            model.splice(0, number);
            books.trim(model[0]?.seq ?? seq + 1);
            continue;
          }
          seq += 1 + (bytes % 2);
          const holder = `m${number}`;
          model.push({ seq, holder, bytes });
          books.add(seq, seq, holder, bytes);
        }
        const total = model.reduce((sum, entry) => sum + entry.bytes, 0);
        const chunkBytes = 9 * Math.max(64, (64 * 2 * seq) / 256);
        expect(books.bytes).toBeGreaterThanOrEqual(total);
        expect(books.bytes).toBeLessThanOrEqual(total + chunkBytes);
        for (const holder of new Set(model.map((entry) => entry.holder))) {
          const own = model.filter((entry) => entry.holder === holder);
          const ownBytes = own.reduce((sum, entry) => sum + entry.bytes, 0);
          expect(books.held.get(holder)).toBeGreaterThanOrEqual(ownBytes);
        }
        const sum = [...books.held.values()].reduce((bytes, held) => bytes + held, 0);
        expect(sum).toBe(books.bytes);
      }),
      { numRuns: 50 },
    );
  });

  test("needs no more memory for a million messages than for a thousand, and forgets who is gone", () => {
    const books = new StreamHoldings();
    for (let seq = 1; seq <= 1_000_000; seq++) books.add(seq, seq, seq <= 500_000 ? "old" : "new", 2);
    expect(books.bytes).toBe(2_000_000);
    books.trim(600_001);
    expect([...books.held.keys()]).toEqual(["new"]);
    expect(books.bytes).toBeLessThan(2 * 408_000);
    books.trim(1_000_001);
    expect([books.bytes, books.held.size]).toEqual([0, 0]);
  });
});
