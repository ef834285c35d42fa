import { type Rate, TokenBucket } from "@adaos/core";
import type { Allowance, PullPace } from "@adaos/transport-nats";

/** How fast a link may go: so much a second, whatever its source holds. */
export class Pace implements PullPace {
  readonly #rate: () => Rate | undefined;
  readonly #isHeld: () => boolean;
  #seen: Rate | undefined;
  #events: TokenBucket | undefined;
  #bytes: TokenBucket | undefined;

  /**
   * @param rate Asked each time, since it may change; nothing: as fast as can be.
   * @param isHeld Whether nothing may be asked for now, whatever the rate.
   */
  constructor(rate: () => Rate | undefined, isHeld: () => boolean = () => false) {
    this.#rate = rate;
    this.#isHeld = isHeld;
  }

  /** How much may be asked for now, whatever was asked for before; nothing while more has passed than may. */
  allowance(): Allowance {
    this.#follow();
    if (this.#isHeld()) return { events: 0, bytes: 0 };
    const nowMs = performance.now();
    return {
      events: Math.floor(this.#events?.available(nowMs) ?? Number.POSITIVE_INFINITY),
      bytes: Math.floor(this.#bytes?.available(nowMs) ?? Number.POSITIVE_INFINITY),
    };
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
    this.#events = TokenBucket.of(rate?.eventsPerSecond);
    this.#bytes = TokenBucket.of(rate?.bytesPerSecond);
  }
}
