import type { FloodLimits } from "@adaos/config";
import type { Traffic } from "@adaos/nats-server";

/** Looks in a row that show a flood before a member is shut out. */
const FLOODED_LOOKS = 2;
/** Delayed looks follow each other closely, and a rate over so short a time proves nothing. */
const MIN_SECONDS = 0.5;
const FIRST_BAN_MS = 30_000;
const MAX_BAN_MS = 600_000;
/** After this time without a flood, a member's next ban has the first length again. */
const FORGET_MS = 3_600_000;

interface Seen {
  traffic: Traffic;
  atMs: number;
  floodedLooks: number;
  bans: number;
  bannedUntilMs: number;
  /** The rates at which it was shut out, for the log and for `adaos status`. */
  reason: string;
}

/**
 * Finds members that flood their server with messages that no stream's books count: refused publishes, requests,
 * acknowledgements. Does no I/O: the caller passes counters that only grow, and milliseconds of a monotonic clock.
 */
export class FloodGuard {
  readonly #limits: FloodLimits;
  readonly #seen = new Map<string, Seen>();

  constructor(limits: FloodLimits) {
    this.#limits = limits;
  }

  /** Takes the server's counters, by member. A member that is no longer in them is forgotten when its ban is over. */
  look(counted: ReadonlyMap<string, Traffic>, nowMs: number): void {
    for (const [node, traffic] of counted) {
      const seen = this.#seen.get(node);
      if (seen === undefined) this.#seen.set(node, firstSight(traffic, nowMs));
      else this.#judge(seen, traffic, nowMs);
    }
    for (const [node, { bannedUntilMs }] of this.#seen) {
      if (!counted.has(node) && nowMs >= bannedUntilMs + FORGET_MS) this.#seen.delete(node);
    }
  }

  /** The members that are shut out now, with the reasons. */
  banned(nowMs: number): Map<string, string> {
    const found = new Map<string, string>();
    for (const [node, { bannedUntilMs, reason }] of this.#seen) {
      if (nowMs < bannedUntilMs) found.set(node, reason);
    }
    return found;
  }

  #judge(seen: Seen, traffic: Traffic, nowMs: number): void {
    const seconds = (nowMs - seen.atMs) / 1000;
    if (seconds < MIN_SECONDS) return;
    // The counters of a closed connection are lost, so a sum may fall.
    const messages = Math.max(0, traffic.messages - seen.traffic.messages) / seconds;
    const bytes = Math.max(0, traffic.bytes - seen.traffic.bytes) / seconds;
    seen.traffic = traffic;
    seen.atMs = nowMs;
    const isFlood = messages > this.#limits.messagesPerSecond || bytes > this.#limits.bytesPerSecond;
    seen.floodedLooks = isFlood ? seen.floodedLooks + 1 : 0;
    if (seen.floodedLooks < FLOODED_LOOKS || nowMs < seen.bannedUntilMs) return;
    if (nowMs > seen.bannedUntilMs + FORGET_MS) seen.bans = 0;
    const banMs = Math.min(FIRST_BAN_MS * 2 ** seen.bans, MAX_BAN_MS);
    seen.bans++;
    seen.floodedLooks = 0;
    seen.bannedUntilMs = nowMs + banMs;
    seen.reason = `it sent ${Math.round(messages)} messages/s and ${Math.round(bytes)} bytes/s; shut out for ${banMs / 1000} s`;
  }
}

function firstSight(traffic: Traffic, atMs: number): Seen {
  const none = Number.NEGATIVE_INFINITY;
  return { traffic, atMs, floodedLooks: 0, bans: 0, bannedUntilMs: none, reason: "" };
}
