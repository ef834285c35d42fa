import type { StreamFill } from "../budgets/parse-fill.ts";

/** The share of a hub's stream that a refill leaves to the events that are published meanwhile. */
const FREE_SHARE = 1 / 8;
/** A hub that does not tell refuses what it cannot store. */
const UNKNOWN = { maxBytes: Number.POSITIVE_INFINITY, usedBytes: 0 };

/**
 * The room of a hub's stream for one refill. A hub looks at its stream once a second or more often, so that what is
 * given back since then counts, too. Does no I/O.
 */
export class RefillRoom {
  /** By the hub's answers, and what was given back since. */
  #usedBytes = 0;

  /**
   * Returns whether there is room for so many bytes; then they are used. In a stream that is half empty there always
   * is: a small one would never take what is given back together.
   * @param fill The hub's newest answer.
   */
  take(
    bytes: number,
    { maxBytes, usedBytes }: Pick<StreamFill, "maxBytes" | "usedBytes"> = UNKNOWN,
  ): boolean {
    const before = Math.max(this.#usedBytes, usedBytes);
    if (before + bytes > maxBytes * (1 - FREE_SHARE) && before > maxBytes / 2) return false;
    this.#usedBytes = before + bytes;
    return true;
  }
}
