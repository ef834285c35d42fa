/** More unrequested messages than this within a second are not an accident. */
const MAX_MESSAGES = 100;
const MAX_BYTES = 8 * 1024 * 1024;
const WINDOW_MS = 1000;
const FIRST_PAUSE_MS = 5000;
const MAX_PAUSE_MS = 60_000;
/** After so long without unrequested messages, the next pause is the shortest again. */
const FORGET_MS = 60_000;

/** Counts unrequested messages, and decides when to ignore their sender for a while. */
export class UnaskedWatch {
  #total = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #messages = 0;
  #bytes = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  /** All unrequested messages so far. */
  get total(): number {
    return this.#total;
  }

  /** Counts one message. Returns the length of a pause in milliseconds if one is due now. */
  note(bytes: number, nowMs: number): number | undefined {
    this.#total++;
    if (nowMs - this.#sinceMs > WINDOW_MS) {
      this.#sinceMs = nowMs;
      this.#messages = 0;
      this.#bytes = 0;
    }
    this.#messages++;
    this.#bytes += bytes;
    if (this.#messages <= MAX_MESSAGES && this.#bytes <= MAX_BYTES) return undefined;
    if (nowMs - this.#pausedUntilMs > FORGET_MS) this.#pauseMs = FIRST_PAUSE_MS;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    this.#pausedUntilMs = nowMs + pauseMs;
    this.#sinceMs = Number.NEGATIVE_INFINITY;
    return pauseMs;
  }
}
