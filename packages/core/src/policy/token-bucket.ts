/**
 * Lets a rate through, and after a pause one second's worth at once. The caller passes the time, in milliseconds of
 * a monotonic clock.
 */
export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #atMs: number | undefined;

  /** The bucket of a rate; undefined for none. */
  static of(perSecond: number | undefined): TokenBucket | undefined {
    return perSecond === undefined ? undefined : new TokenBucket(perSecond);
  }

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** Tokens available now; below zero after an event larger than the rest. */
  available(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#tokens = Math.min(Math.max(1, this.#perSecond), this.#tokens + (passedMs / 1000) * this.#perSecond);
    this.#atMs = nowMs;
    return this.#tokens;
  }

  /** Takes tokens, even more than are available. */
  spend(count: number): void {
    this.#tokens -= count;
  }

  /** Milliseconds until `count` tokens are available. */
  waitMs(count: number): number {
    return Math.max(0, Math.ceil(((count - this.#tokens) / this.#perSecond) * 1000));
  }
}
