import type { MarkId } from "./mark-record.ts";

const FIRST_SLOTS = 1024;
/** Marks in one table, at most half of its slots. */
const TABLE_MARKS = 131_072;
const WORDS = 4;

/**
 * The set of known marks: 32 to 64 bytes each. It uses open hash tables, one for each period, so that the oldest marks
 * are dropped together when they are too many or too old.
 */
export class MarkIndex {
  readonly #maxTables: number;
  readonly #tables: MarkTable[] = [];

  /** @param maxMarks Rounded up to whole tables. */
  constructor(maxMarks: number) {
    this.#maxTables = Math.max(2, Math.ceil(maxMarks / TABLE_MARKS));
  }

  get size(): number {
    return this.#tables.reduce((sum, { size }) => sum + size, 0);
  }

  has(id: MarkId): boolean {
    // A repeated event is most often young.
    for (let i = this.#tables.length - 1; i >= 0; i--) if (this.#tables[i]?.has(id) === true) return true;
    return false;
  }

  add(id: MarkId, atS: number): void {
    let table = this.#tables.at(-1);
    if (table === undefined || table.size >= TABLE_MARKS) {
      table = new MarkTable();
      this.#tables.push(table);
      if (this.#tables.length > this.#maxTables) this.#tables.shift();
    }
    table.add(id, atS);
  }

  /** Drops tables without a younger mark. */
  forgetBefore(atS: number): void {
    while ((this.#tables[0]?.newestS ?? atS) < atS) this.#tables.shift();
  }
}

class MarkTable {
  #slots = new Uint32Array(FIRST_SLOTS * WORDS);
  size = 0;
  newestS = 0;

  has(id: MarkId): boolean {
    return this.#isAt(this.#slotOf(id), id);
  }

  add(id: MarkId, atS: number): void {
    this.newestS = Math.max(this.newestS, atS);
    const slot = this.#slotOf(id);
    if (this.#isAt(slot, id)) return;
    this.#slots.set(id, slot);
    this.size++;
    if (this.size * WORDS * 2 > this.#slots.length) this.#grow();
  }

  /** The slot of the id, or the free slot where it would be. The first word is as good as random. */
  #slotOf(id: MarkId): number {
    const slots = this.#slots;
    const mask = slots.length / WORDS - 1;
    for (let i = (id[0] ?? 0) & mask; ; i = (i + 1) & mask) {
      const slot = i * WORDS;
      if (this.#isAt(slot, id)) return slot;
      if (slots[slot] === 0 && slots[slot + 1] === 0 && slots[slot + 2] === 0 && slots[slot + 3] === 0)
        return slot;
    }
  }

  #isAt(slot: number, id: MarkId): boolean {
    const slots = this.#slots;
    return (
      slots[slot] === id[0] &&
      slots[slot + 1] === id[1] &&
      slots[slot + 2] === id[2] &&
      slots[slot + 3] === id[3]
    );
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    const id = new Uint32Array(WORDS);
    for (let slot = 0; slot < old.length; slot += WORDS) {
      for (let i = 0; i < WORDS; i++) id[i] = old[slot + i] ?? 0;
      if (id[0] !== 0 || id[1] !== 0 || id[2] !== 0 || id[3] !== 0) this.#slots.set(id, this.#slotOf(id));
    }
  }
}
