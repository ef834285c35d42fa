import type { Rate } from "@adaos/core/wire";
import { TokenBucket } from "@adaos/core/wire";
import type { Allowance, PullPace } from "@adaos/transport-nats";

/**
 * Refused events a second. After a change of policy more may be refused, which then takes a while. A hub that sends
 * only such events costs the root's other subnets no more than this.
 */
const REFUSALS_PER_SECOND = 500;

/** A link at its limit requests events ten times a second, not one by one: so targets store them in batches. */
const ASKS_PER_SECOND = 10;
const NOTHING: Allowance = { events: 0, bytes: 0, worth: 1 };

/** Limits the rate of a link, however many events its source has. */
export class Pace implements PullPace {
  readonly #rate: () => Rate | undefined;
  readonly #refusals = new TokenBucket(REFUSALS_PER_SECOND);
  readonly #isPaused: () => boolean;
  #seen: Rate | undefined;
  #events: TokenBucket | undefined;
  #bytes: TokenBucket | undefined;

  /**
   * @param rate Read each time, since it may change; undefined: unlimited.
   * @param isPaused Whether no event may be requested now, whatever the rate.
   */
  constructor(rate: () => Rate | undefined, isPaused: () => boolean = () => false) {
    this.#rate = rate;
    this.#isPaused = isPaused;
  }

  /** The amount that may be requested now; nothing while the rate is exceeded. */
  allowance(): Allowance {
    this.#follow();
    if (this.#isPaused()) return NOTHING;
    const nowMs = performance.now();
    if (this.#refusals.available(nowMs) < 0) return NOTHING;
    return {
      events: Math.floor(this.#events?.available(nowMs) ?? Number.POSITIVE_INFINITY),
      bytes: Math.floor(this.#bytes?.available(nowMs) ?? Number.POSITIVE_INFINITY),
      worth: Math.max(1, Math.floor((this.#seen?.eventsPerSecond ?? 0) / ASKS_PER_SECOND)),
    };
  }

  /** Counts an arrived event. */
  spend(bytes: number): void {
    this.#events?.spend(1);
    this.#bytes?.spend(bytes);
  }

  /** Counts a refused event. */
  refuse(): void {
    this.#refusals.spend(1);
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
