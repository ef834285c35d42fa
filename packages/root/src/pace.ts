import { type Rate, TokenBucket } from "@adaos/core";

/** How fast a link may go: so much a second, whatever its source holds. */
export class Pace {
  readonly #rate: () => Rate | undefined;
  #seen: Rate | undefined;
  #events: TokenBucket | undefined;
  #bytes: TokenBucket | undefined;

  /** @param rate Asked each time, since it may change; nothing: as fast as can be. */
  constructor(rate: () => Rate | undefined) {
    this.#rate = rate;
  }

  /** How many events may be asked for beside `asked` that were; none while more bytes have passed than may. */
  allowance(asked: number): number {
    this.#follow();
    const nowMs = performance.now();
    if (this.#bytes !== undefined && this.#bytes.available(nowMs) <= 0) return 0;
    if (this.#events === undefined) return Number.POSITIVE_INFINITY;
    return Math.floor(this.#events.available(nowMs)) - asked;
  }

  /** Counts an event that has come. */
  spend(bytes: number): void {
    this.#events?.spend(1);
    this.#bytes?.spend(bytes);
  }

  #follow(): void {
    const rate = this.#rate();
    if (
      rate?.eventsPerSecond === this.#seen?.eventsPerSecond &&
      rate?.bytesPerSecond === this.#seen?.bytesPerSecond
    )
      return;
    this.#seen = rate;
    this.#events = rate?.eventsPerSecond === undefined ? undefined : new TokenBucket(rate.eventsPerSecond);
    this.#bytes = rate?.bytesPerSecond === undefined ? undefined : new TokenBucket(rate.bytesPerSecond);
  }
}
