import { patternMatches } from "@adaos/core";
import type { RateLimit } from "@adaos/core/wire";
import { TokenBucket } from "@adaos/core/wire";

interface TrackedLimit {
  readonly limit: RateLimit;
  readonly events: TokenBucket | undefined;
  readonly bytes: TokenBucket | undefined;
}

/** A limit that a member has exceeded, and the time until its rate is within the limit again. */
export interface Overdraft {
  readonly limit: string;
  readonly waitMs: number;
}

/** No member is refused for longer than this, however large the excess. */
const MAX_DEBT_SECONDS = 300;

/**
 * Compares the members' events in the stream with the members' limits. A member's library refuses before it sends, and
 * never overdraws a limit. Several processes of one member may, or a forwarded outbox, or another client. Time is that
 * of the stream: a hub that was delayed counts the same.
 */
export class MemberRates {
  #tracked = new Map<string, readonly TrackedLimit[]>();
  readonly #overdrawn = new Set<string>();
  #nowMs = Number.NEGATIVE_INFINITY;

  /** Replaces the limits, by member. Unchanged limits keep their counts. */
  replace(limits: ReadonlyMap<string, readonly RateLimit[]>): void {
    const before = this.#tracked;
    this.#tracked = new Map();
    for (const [node, own] of limits) {
      if (own.length === 0) continue;
      const known = before.get(node) ?? [];
      this.#tracked.set(
        node,
        own.map((limit) => known.find((tracked) => isSame(tracked.limit, limit)) ?? trackLimit(limit)),
      );
    }
    for (const node of this.#overdrawn) if (!this.#tracked.has(node)) this.#overdrawn.delete(node);
  }

  /** Counts an event of a member. */
  note(node: string, name: string, version: number, bytes: number, storedMs: number): void {
    const tracked = this.#tracked.get(node);
    if (tracked === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, storedMs);
    for (const { limit, events, bytes: ofBytes } of tracked) {
      if (!patternMatches(limit.events, name, version)) continue;
      spend(events, limit.eventsPerSecond, 1, this.#nowMs);
      spend(ofBytes, limit.bytesPerSecond, bytes, this.#nowMs);
    }
  }

  /**
   * The members that exceed a limit by more than a second's worth beyond the burst, and whose rate is not within the
   * limit again.
   * @param nowMs Milliseconds since the epoch.
   */
  overdrawn(nowMs: number): Map<string, Overdraft> {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const found = new Map<string, Overdraft>();
    for (const [node, tracked] of this.#tracked) {
      const worst = tracked
        .flatMap((one) => overdraftsOf(one, this.#nowMs, this.#overdrawn.has(node)))
        .reduce<Overdraft | undefined>((a, b) => (a === undefined || b.waitMs > a.waitMs ? b : a), undefined);
      if (worst === undefined) this.#overdrawn.delete(node);
      else {
        this.#overdrawn.add(node);
        found.set(node, worst);
      }
    }
    return found;
  }
}

function trackLimit(limit: RateLimit): TrackedLimit {
  return {
    limit,
    events: TokenBucket.of(limit.eventsPerSecond),
    bytes: TokenBucket.of(limit.bytesPerSecond),
  };
}

function isSame(a: RateLimit, b: RateLimit): boolean {
  const isSameRate = a.eventsPerSecond === b.eventsPerSecond && a.bytesPerSecond === b.bytesPerSecond;
  return isSameRate && a.events.text === b.events.text;
}

function spend(
  bucket: TokenBucket | undefined,
  perSecond: number | undefined,
  count: number,
  nowMs: number,
): void {
  if (bucket === undefined || perSecond === undefined) return;
  const left = bucket.available(nowMs) + MAX_DEBT_SECONDS * perSecond;
  bucket.spend(Math.min(count, Math.max(0, left)));
}

function overdraftsOf({ limit, events, bytes }: TrackedLimit, nowMs: number, wasOver: boolean): Overdraft[] {
  const { text } = limit.events;
  return [
    overdraft(events, limit.eventsPerSecond, `events/s of ${text}`, nowMs, wasOver),
    overdraft(bytes, limit.bytesPerSecond, `bytes/s of ${text}`, nowMs, wasOver),
  ].filter((one) => one !== undefined);
}

function overdraft(
  bucket: TokenBucket | undefined,
  perSecond: number | undefined,
  what: string,
  nowMs: number,
  wasOver: boolean,
): Overdraft | undefined {
  if (bucket === undefined || perSecond === undefined) return undefined;
  const available = bucket.available(nowMs);
  if (available >= (wasOver ? 0 : -Math.max(1, perSecond))) return undefined;
  return { limit: `${perSecond} ${what}`, waitMs: bucket.waitMs(0) };
}
