import type { Direction } from "../links/admission.ts";

/** One link as it is now. */
export interface LinkState {
  readonly subnet: string;
  readonly direction: Direction;
  /** Undefined while the link carries events. */
  readonly trouble?: string | undefined;
  /** Events that wait here to be carried. */
  readonly waiting: number;
}

/** A change of a link that is worth an event. */
export type LinkChange = LinkState & { readonly sinceMs: number };

/** A link must hold its new state for this long: one that drops for a moment is reported by nobody. */
export const SETTLE_MS = 5000;
/** Reports of one link that may follow each other quickly: three outages. */
const BURST = 6;
/** After them, one more in this time: a flapping link must not fill its subnet's stream. */
const REFILL_MS = 600_000;

interface Watched {
  /** Whether it carries, and since when. */
  isUp: boolean;
  sinceMs: number;
  reported: "up" | "down" | undefined;
  /** Reports that are left. */
  left: number;
  refilledMs: number;
}

/**
 * Decides which changes of links are reported: each new state once, when it has lasted, and no more than a rate. Pure
 * but for its memory. Times are of a monotonic clock.
 */
export class LinkReports {
  readonly #links = new Map<string, Watched>();

  /** @param states All links that there are now; a link that is gone is forgotten. */
  look(states: readonly LinkState[], nowMs: number): LinkChange[] {
    const present = new Map(states.map((state) => [`${state.direction} ${state.subnet}`, state]));
    for (const key of this.#links.keys()) if (!present.has(key)) this.#links.delete(key);
    return [...present].flatMap(([key, state]) => {
      const isUp = state.trouble === undefined;
      const link = this.#links.get(key) ?? newLink(isUp, nowMs);
      this.#links.set(key, link);
      if (link.isUp !== isUp) Object.assign(link, { isUp, sinceMs: nowMs });
      refill(link, nowMs);
      const current = isUp ? "up" : "down";
      if (link.reported === current || nowMs - link.sinceMs < SETTLE_MS || link.left < 1) return [];
      link.left--;
      link.reported = current;
      return [{ ...state, sinceMs: link.sinceMs }];
    });
  }
}

function newLink(isUp: boolean, nowMs: number): Watched {
  return { isUp, sinceMs: nowMs, reported: undefined, left: BURST, refilledMs: nowMs };
}

function refill(link: Watched, nowMs: number): void {
  const count = Math.floor((nowMs - link.refilledMs) / REFILL_MS);
  if (count < 1) return;
  link.left = Math.min(BURST, link.left + count);
  link.refilledMs += count * REFILL_MS;
}
