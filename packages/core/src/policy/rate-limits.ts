import { MeshError } from "../language/errors.ts";
import { type EventPattern, patternMatches } from "../language/event-pattern.ts";
import { TokenBucket } from "./token-bucket.ts";

/** How much a second may pass; what is not given is not limited. */
export interface Rate {
  readonly eventsPerSecond?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
}

/** What a member may publish of these events, all of them together. */
export interface RateLimit extends Rate {
  readonly events: EventPattern;
}

interface Held {
  readonly limit: RateLimit;
  readonly events: TokenBucket | undefined;
  readonly bytes: TokenBucket | undefined;
}

/** Keeps a member within its limits: what is too much is refused before it is sent. */
export class RateLimits {
  readonly #holder: string;
  #held: readonly Held[] = [];

  /** @param holder Named in refusals: `alpha/kitchen`. */
  constructor(holder: string, limits: readonly RateLimit[]) {
    this.#holder = holder;
    this.replace(limits);
  }

  /** Takes other limits; what was used of the ones before is forgotten. */
  replace(limits: readonly RateLimit[]): void {
    this.#held = limits.map((limit) => ({
      limit,
      events: TokenBucket.of(limit.eventsPerSecond),
      bytes: TokenBucket.of(limit.bytesPerSecond),
    }));
  }

  /** Counts one event against every limit that means it. Throws `backpressure`, and then counts it nowhere. */
  take(name: string, version: number, bytes: number, nowMs: number = performance.now()): void {
    if (this.#held.length === 0) return;
    const meant = this.#held.filter(({ limit }) => patternMatches(limit.events, name, version));
    for (const { limit, events, bytes: ofBytes } of meant) {
      if (events !== undefined && events.available(nowMs) < 1) {
        throw this.#refusal(`${limit.eventsPerSecond} events/s of ${limit.events.text}`, events.waitMs(1));
      }
      // One larger than all that is there passes when something is there: it is paid for afterwards.
      if (ofBytes !== undefined && ofBytes.available(nowMs) <= 0) {
        throw this.#refusal(`${limit.bytesPerSecond} bytes/s of ${limit.events.text}`, ofBytes.waitMs(1));
      }
    }
    for (const { events, bytes: ofBytes } of meant) {
      events?.spend(1);
      ofBytes?.spend(bytes);
    }
  }

  #refusal(limit: string, waitMs: number): MeshError {
    return new MeshError("backpressure", `${this.#holder} may publish ${limit}; try again in ${waitMs} ms`);
  }
}
