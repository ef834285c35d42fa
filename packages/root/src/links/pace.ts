import type { Rate } from "@adaos/core/wire";
import { TokenBucket } from "@adaos/core/wire";
import type { Allowance, PullPace } from "@adaos/transport-nats";

/**
 * Events a second that may go nowhere. A change of policy refuses more at once, which takes a while then; a hub that
 * sends nothing else costs the others of a root no more than this.
 */
const REFUSALS_PER_SECOND = 500;

/** A link at its limit asks ten times a second and not for every event: the targets store them together. */
const ASKS_PER_SECOND = 10;
const NOTHING: Allowance = { events: 0, bytes: 0, worth: 1 };

/** How fast a link may go: so much a second, whatever its source holds. */
export class Pace implements PullPace {
  readonly #rate: () => Rate | undefined;
  readonly #refusals = new TokenBucket(REFUSALS_PER_SECOND);
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
    if (this.#isHeld()) return NOTHING;
    const nowMs = performance.now();
    if (this.#refusals.available(nowMs) < 0) return NOTHING;
    return {
      events: Math.floor(this.#events?.available(nowMs) ?? Number.POSITIVE_INFINITY),
      bytes: Math.floor(this.#bytes?.available(nowMs) ?? Number.POSITIVE_INFINITY),
      worth: Math.max(1, Math.floor((this.#seen?.eventsPerSecond ?? 0) / ASKS_PER_SECOND)),
    };
  }

  /** Counts an event that has come. */
  spend(bytes: number): void {
    this.#events?.spend(1);
    this.#bytes?.spend(bytes);
  }

  /** Counts an event that has come for nothing. */
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
