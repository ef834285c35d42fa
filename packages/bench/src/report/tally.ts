import { parseText, WARM_UP } from "./text.ts";

/** Counts the texts of one receiver: every text of a run counts once, however often it comes. */
export class Tally {
  readonly latenciesMs: number[] = [];
  firstMs: number = Number.NaN;
  lastMs: number = Number.NaN;
  warmedUp = 0;
  repeated = 0;
  readonly #count: number;
  readonly #seen = new Set<number>();

  /** @param count Texts of the run; they are numbered from 0. */
  constructor(count: number) {
    this.#count = count;
  }

  get handled(): number {
    return this.#seen.size;
  }

  get isComplete(): boolean {
    return this.#seen.size === this.#count;
  }

  /** @param atMs When it was handled. */
  take(text: string, atMs: number): void {
    const { index, sentMs } = parseText(text);
    if (index === WARM_UP) {
      this.warmedUp++;
      return;
    }
    if (index < 0 || index >= this.#count) throw new Error(`text ${index} was never sent`);
    if (this.#seen.has(index)) {
      this.repeated++;
      return;
    }
    if (this.#seen.size === 0) this.firstMs = atMs;
    this.#seen.add(index);
    this.lastMs = atMs;
    this.latenciesMs.push(atMs - sentMs);
  }
}
