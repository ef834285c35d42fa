import { patternMatches } from "@adaos/core";
import type { RateLimit } from "@adaos/core/wire";
import { TokenBucket } from "@adaos/core/wire";

interface Held {
  readonly limit: RateLimit;
  readonly events: TokenBucket | undefined;
  readonly bytes: TokenBucket | undefined;
}

/** A limit that a member has passed, and when it has paid for what was too much. */
export interface Overdraft {
  readonly limit: string;
  readonly waitMs: number;
}

/** Nobody pays for longer than this, however much it was. */
const MAX_DEBT_SECONDS = 300;

/**
 * What members have published against their limits, as their streams tell it. The library of a member refuses before it
 * sends, and never overdraws a limit by itself; several processes of one member may, an outbox that is forwarded, or a
 * client of somebody's own. Time is that of the stream: a hub that was held up counts no less and no more.
 */
export class MemberRates {
  #held = new Map<string, readonly Held[]>();
  readonly #overdrawn = new Set<string>();
  #nowMs = Number.NEGATIVE_INFINITY;

  /** Takes other limits, by member. Of those that stay the same nothing is forgotten. */
  replace(limits: ReadonlyMap<string, readonly RateLimit[]>): void {
    const before = this.#held;
    this.#held = new Map();
    for (const [node, own] of limits) {
      if (own.length === 0) continue;
      const known = before.get(node) ?? [];
      this.#held.set(
        node,
        own.map((limit) => known.find((held) => isSame(held.limit, limit)) ?? newHeld(limit)),
      );
    }
    for (const node of this.#overdrawn) if (!this.#held.has(node)) this.#overdrawn.delete(node);
  }

  /** Counts an event of a member. */
  note(node: string, name: string, version: number, bytes: number, storedMs: number): void {
    const held = this.#held.get(node);
    if (held === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, storedMs);
    for (const { limit, events, bytes: ofBytes } of held) {
      if (!patternMatches(limit.events, name, version)) continue;
      spend(events, limit.eventsPerSecond, 1, this.#nowMs);
      spend(ofBytes, limit.bytesPerSecond, bytes, this.#nowMs);
    }
  }

  /**
   * Who has passed a limit by more than a second's worth beyond what may come at once, and has not paid for it yet.
   * @param nowMs Milliseconds since the epoch.
   */
  overdrawn(nowMs: number): Map<string, Overdraft> {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const found = new Map<string, Overdraft>();
    for (const [node, held] of this.#held) {
      const worst = held
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

function newHeld(limit: RateLimit): Held {
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

function overdraftsOf({ limit, events, bytes }: Held, nowMs: number, wasOver: boolean): Overdraft[] {
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
