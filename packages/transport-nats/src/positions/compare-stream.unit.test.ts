import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareStream,
  hasNewHoles,
  justAfter,
  nextPosition,
  type SeqRange,
  type StreamPosition,
  type StreamReading,
  type StreamState,
} from "./compare-stream.ts";

const START_MS = Date.parse("2026-01-05T09:00:00Z");
const DENSE = { isDense: true, maxAgeMs: 3_600_000 };

/**
 * A stand-in for a server's stream that can lose messages. Each message is stored a millisecond after the one before.
 */
class LossyStore {
  readonly #held = new Map<number, string>();
  created = "2026-01-05T08:00:00Z";
  nowMs = START_MS;
  lastSeq = 0;
  #lastAt = "0001-01-01T00:00:00Z";

  store(count: number): void {
    for (let i = 0; i < count; i++) {
      this.nowMs++;
      this.#lastAt = new Date(this.nowMs).toISOString();
      this.#held.set(++this.lastSeq, this.#lastAt);
    }
  }

  /** Loses places; places at the end are numbered anew. */
  lose({ from, to }: SeqRange): SeqRange[] {
    const gone = [...this.#held.keys()].filter((seq) => seq >= from && seq <= to);
    for (const seq of gone) this.#held.delete(seq);
    if (to >= this.lastSeq) {
      this.lastSeq = Math.max(0, ...this.#held.keys());
      this.#lastAt = this.#held.get(this.lastSeq) ?? "0001-01-01T00:00:00Z";
    }
    return gone.map((seq) => ({ from: seq, to: seq }));
  }

  /** Removes expired messages, as a server does. */
  expire(maxAgeMs: number): void {
    for (const [seq, at] of this.#held) if (Date.parse(at) < this.nowMs - maxAgeMs) this.#held.delete(seq);
  }

  get state(): StreamState {
    const seqs = [...this.#held.keys()];
    return {
      created: this.created,
      firstSeq: seqs.length === 0 ? this.lastSeq + 1 : Math.min(...seqs),
      lastSeq: this.lastSeq,
      messages: seqs.length,
      lastAt: this.#lastAt,
    };
  }

  /** The reading that a comparison with `recorded` needs. */
  read(recorded: StreamPosition): StreamReading {
    const { state } = this;
    const newest = recorded.marks.at(-1);
    const after = [...this.#held].find(([, at]) => newest !== undefined && at > newest.storedAt)?.[0];
    const holes: SeqRange[] = [];
    if (hasNewHoles(recorded, state)) {
      for (let seq = state.firstSeq; seq <= state.lastSeq; seq++)
        if (!this.#held.has(seq)) holes.push({ from: seq, to: seq });
    }
    return {
      state,
      ...(after === undefined ? {} : { firstAfter: after }),
      storedAt: new Map(
        recorded.marks.flatMap(({ seq }) => {
          const at = this.#held.get(seq);
          return at === undefined ? [] : [[seq, at] as const];
        }),
      ),
      holes,
    };
  }
}

function look(store: LossyStore, recorded: StreamPosition): ReturnType<typeof compareStream> {
  return compareStream(recorded, store.read(recorded), DENSE, store.nowMs);
}

describe("compareStream()", () => {
  test("says nothing of a stream that grows and drops what is too old, however it is looked at", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("store", "expire", "wait"), fc.nat(300)), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (script) => {
        const store = new LossyStore();
        let recorded = nextPosition(undefined, store.state, undefined);
        for (const [what, n] of script) {
          if (what === "store") store.store(n);
          else if (what === "wait") store.nowMs += n * 20_000;
          else store.expire(DENSE.maxAgeMs);
          expect(look(store, recorded)).toBeUndefined();
          recorded = nextPosition(recorded, store.state, undefined);
          expect(recorded.marks.length).toBeLessThanOrEqual(24);
        }
      }),
    );
  });

  test("finds every loss of what was there at the last look, and names all of a tail and a middle", () => {
    const loss = fc.record({
      before: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40 }),
      where: fc.constantFrom("tail", "middle", "head"),
      at: fc.double({ min: 0, max: 0.999, noNaN: true }),
      size: fc.integer({ min: 1, max: 50 }),
      after: fc.nat(400),
    });
    fc.assert(
      fc.property(loss, ({ before, where, at, size, after }) => {
        const store = new LossyStore();
        let recorded = nextPosition(undefined, store.state, undefined);
        for (const count of before) {
          store.store(count);
          recorded = nextPosition(recorded, store.state, undefined);
        }
        const place = 1 + Math.floor(at * recorded.lastSeq);
        const range = {
          tail: { from: place, to: recorded.lastSeq },
          // The last place does not count as middle.
          middle: { from: place, to: Math.min(place + size, recorded.lastSeq - 1) },
          head: { from: 1, to: recorded.lastSeq - 1 },
        }[where];
        const gone = store.lose(range).map(({ from }) => from);
        store.store(after);
        const damage = look(store, recorded);
        if (gone.length === 0) {
          expect(damage).toBeUndefined();
          return;
        }
        // The first places of a stream may have expired, as far as can be told without a mark among them.
        const isHead = range.from === 1 && where !== "tail";
        const told = new Set(
          damage?.lost.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i)),
        );
        if (!isHead) expect([...told].sort((a, b) => a - b)).toEqual(gone);
        // Only missing places are reported as lost.
        for (const seq of told) expect(gone).toContain(seq);
        if (where === "tail") expect(damage?.intactTo).toBe(range.from - 1);
        else if (damage !== undefined) expect(damage.intactTo).toBe(recorded.lastSeq);
        // A loss that was reported is known.
        const next = nextPosition(recorded, store.state, damage);
        expect(look(store, next)).toBeUndefined();
      }),
    );
  });

  test("tells a stream made anew, empty, with all it held, and with others in the same places", () => {
    const store = new LossyStore();
    store.store(50);
    const recorded = nextPosition(undefined, store.state, undefined);
    store.created = "2026-01-05T10:00:00Z";
    expect(look(store, recorded)).toEqual({ isNew: true, intactTo: 50, lost: [] });
    store.lose({ from: 1, to: 50 });
    expect(look(store, recorded)).toEqual({ isNew: true, intactTo: 0, lost: [{ from: 1, to: 50 }] });
    const state = { ...store.state, firstSeq: 151, lastSeq: 150 };
    expect(compareStream(recorded, { state, storedAt: new Map() }, DENSE, store.nowMs)).toEqual({
      isNew: true,
      intactTo: 50,
      lost: [{ from: 1, to: 50 }],
    });
    store.store(70);
    expect(look(store, recorded)).toEqual({ isNew: true, intactTo: 0, lost: [{ from: 1, to: 50 }] });
  });

  test("a store brought back from an older copy is what it was up to the last mark that agrees", () => {
    const store = new LossyStore();
    store.store(10);
    const early = nextPosition(undefined, store.state, undefined);
    store.store(10);
    const recorded = nextPosition(early, store.state, undefined);
    const reading = store.read(recorded);
    const damage = compareStream(
      recorded,
      { ...reading, storedAt: new Map([...reading.storedAt, [20, "2026-01-05T08:00:00Z"]]) },
      DENSE,
      store.nowMs,
    );
    expect(damage).toEqual({ isNew: false, intactTo: 10, lost: [{ from: 11, to: 20 }] });
  });

  test("a stream whose messages make room for each other is compared by its end alone", () => {
    const store = new LossyStore();
    store.store(50);
    const recorded = nextPosition(undefined, store.state, undefined);
    store.lose({ from: 1, to: 30 });
    store.lose({ from: 40, to: 41 });
    const sparse = { ...DENSE, isDense: false };
    expect(compareStream(recorded, store.read(recorded), sparse, store.nowMs)).toBeUndefined();
    store.lose({ from: 45, to: 50 });
    expect(compareStream(recorded, store.read(recorded), sparse, store.nowMs)).toMatchObject({
      intactTo: 44,
    });
  });
});

describe("justAfter()", () => {
  test("is a nanosecond later", () => {
    expect(justAfter("2026-01-05T09:00:00.5Z")).toBe("2026-01-05T09:00:00.500000001Z");
    expect(justAfter("2026-01-05T09:00:00.999999999Z")).toBe("2026-01-05T09:00:01.000Z");
    expect(justAfter("2026-01-05T09:00:00Z")).toBe("2026-01-05T09:00:00.000000001Z");
  });
});
