import { MeshError } from "../language/errors.ts";
import { type EventPattern, patternMatches } from "../language/event-pattern.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Limits a second; a value that is left out is unlimited. */
export interface Rate {
  readonly eventsPerSecond?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
}

/** Limit of a member's publishing of these events, all of them together. */
export interface RateLimit extends Rate {
  readonly events: EventPattern;
}

interface Limited {
  readonly limit: RateLimit;
  readonly events: TokenBucket | undefined;
  readonly bytes: TokenBucket | undefined;
}

/** Keeps a member within its limits: a publish above them is refused before it is sent. */
export class RateLimits {
  readonly #holder: string;
  #limits: readonly Limited[] = [];

  /** @param holder Named in refusals: `alpha/kitchen`. */
  constructor(holder: string, limits: readonly RateLimit[]) {
    this.#holder = holder;
    this.replace(limits);
  }

  /** Replaces the limits; usage under the earlier ones is forgotten. */
  replace(limits: readonly RateLimit[]): void {
    this.#limits = limits.map((limit) => ({
      limit,
      events: TokenBucket.of(limit.eventsPerSecond),
      bytes: TokenBucket.of(limit.bytesPerSecond),
    }));
  }

  /** Counts one event against every limit that matches it. Throws `backpressure`, and then counts it nowhere. */
  take(name: string, version: number, bytes: number, nowMs: number = performance.now()): void {
    if (this.#limits.length === 0) return;
    const meant = this.#limits.filter(({ limit }) => patternMatches(limit.events, name, version));
    for (const { limit, events, bytes: ofBytes } of meant) {
      if (events !== undefined && events.available(nowMs) < 1) {
        throw this.#refusal(`${limit.eventsPerSecond} events/s of ${limit.events.text}`, events.waitMs(1));
      }
      // An event larger than the rest of the budget passes while any is left: later events pay for it.
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
