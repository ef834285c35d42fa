/** Longest line of a skill's output that is kept. */
export const MAX_OUTPUT_LINE_BYTES = 8192;
const LINES_PER_SECOND = 200;

/** Bounds the lines of a skill's log: so many a second, the rest is counted. Pure but for its own counts. */
export class OutputLimit {
  #second = -1;
  #taken = 0;
  #droppedNow = 0;
  #dropped = 0;

  /** Lines that were dropped in all. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Whether a line may be written now, and how many were dropped before it that nobody has told of yet.
   * @param nowMs Any clock that does not go back.
   */
  take(nowMs: number): { readonly isTaken: boolean; readonly droppedBefore: number } {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= LINES_PER_SECOND) {
      this.#droppedNow++;
      this.#dropped++;
      return { isTaken: false, droppedBefore: 0 };
    }
    this.#taken++;
    return { isTaken: true, droppedBefore: this.takeDropped() };
  }

  /** Lines that were dropped since the last answer. */
  takeDropped(): number {
    const dropped = this.#droppedNow;
    this.#droppedNow = 0;
    return dropped;
  }
}
