/**
 * Lets through so much a second, and after a pause as much as one second's worth at once. Time is handed in, in
 * milliseconds of a clock that nobody sets.
 */
export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #atMs: number | undefined;

  /** Of a rate that may be none: nothing is limited then. */
  static of(perSecond: number | undefined): TokenBucket | undefined {
    return perSecond === undefined ? undefined : new TokenBucket(perSecond);
  }

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** What may pass now; below zero after something larger than what was there. */
  available(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#tokens = Math.min(Math.max(1, this.#perSecond), this.#tokens + (passedMs / 1000) * this.#perSecond);
    this.#atMs = nowMs;
    return this.#tokens;
  }

  /** Takes what passes, whether it was there or not. */
  spend(count: number): void {
    this.#tokens -= count;
  }

  /** Milliseconds until so many may pass, at the latest rate. */
  waitMs(count: number): number {
    return Math.max(0, Math.ceil(((count - this.#tokens) / this.#perSecond) * 1000));
  }
}
