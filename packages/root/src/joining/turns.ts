/** Requests that may wait in all, and those of one asker. */
const MAX_WAITING = 16;
const MAX_WAITING_OF_ONE = 4;
/** Answers to one asker in a time: a machine that follows asks twice in 30 s. */
const MAX_ANSWERS = 50;
const WINDOW_MS = 10_000;

/** Shares out the time for answers, so that no asker keeps the root busy, or the others waiting. */
export class Turns {
  #waiting = 0;
  readonly #waitingOf = new Map<string, number>();
  readonly #answersTo = new Map<string, number>();
  #windowMs = 0;

  /** Whether a request may wait for its answer. Then {@link leave} must follow. */
  enter(asker: string, nowMs: number): boolean {
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = nowMs;
      this.#answersTo.clear();
    }
    const waiting = this.#waitingOf.get(asker) ?? 0;
    const answers = this.#answersTo.get(asker) ?? 0;
    if (this.#waiting >= MAX_WAITING || waiting >= MAX_WAITING_OF_ONE || answers >= MAX_ANSWERS) return false;
    this.#waiting++;
    this.#waitingOf.set(asker, waiting + 1);
    this.#answersTo.set(asker, answers + 1);
    return true;
  }

  leave(asker: string): void {
    const left = (this.#waitingOf.get(asker) ?? 1) - 1;
    if (left === 0) this.#waitingOf.delete(asker);
    else this.#waitingOf.set(asker, left);
    this.#waiting--;
  }
}
