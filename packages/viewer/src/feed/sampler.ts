import { TokenBucket } from "@adaos/core/wire";

/** How many events matched, and how many of them were sent. */
export interface Sampled {
  readonly matched: number;
  readonly sent: number;
  readonly ms: number;
}

/** Lets so many events a second through, and counts the others. Times are those of a monotonic clock. */
export class Sampler {
  readonly #bucket: TokenBucket;
  #matched = 0;
  #sent = 0;
  #sinceMs: number;

  constructor(eventsPerSecond: number, nowMs: number) {
    this.#bucket = new TokenBucket(eventsPerSecond);
    this.#sinceMs = nowMs;
  }

  /** Whether a further event may be sent now. */
  hasRoom(nowMs: number): boolean {
    return this.#bucket.available(nowMs) >= 1;
  }

  sent(): void {
    this.#bucket.spend(1);
    this.#matched++;
    this.#sent++;
  }

  /** An event that a reader resumes with: it was stored in the past, so it uses nothing of the rate of now. */
  sentOfPast(): void {
    this.#matched++;
    this.#sent++;
  }

  leftOut(): void {
    this.#matched++;
  }

  /** The numbers since the last call; undefined when every event was sent. */
  take(nowMs: number): Sampled | undefined {
    const sampled = { matched: this.#matched, sent: this.#sent, ms: Math.round(nowMs - this.#sinceMs) };
    this.#matched = 0;
    this.#sent = 0;
    this.#sinceMs = nowMs;
    return sampled.matched === sampled.sent ? undefined : sampled;
  }
}
