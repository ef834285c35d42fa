/** Header of requests and answers between nodes: the time at which they were sent, milliseconds since the epoch. */
export const CLOCK_HEADER = "Adaos-Time";

/** Ids and deadlines bear seconds. */
export const MAX_CLOCK_OFF_MS = 1000;
/** A request may have waited for this long on its way, which looks like a clock that is behind. */
const MAX_WAY_MS = 10_000;
/** Nodes tell their time every few seconds. What is older says nothing about a clock that may have been set since. */
const RECENT_MS = 60_000;
/** The programs of a member may run on several machines, and each asks every few seconds: the worst of them is told. */
const HELD_MS = 15_000;
/** 9999-12-31. */
const LAST_MS = 253_402_300_799_999;

/** Undefined for anything else than a time: a peer may be hostile. Pure. */
export function parseClock(text: string | undefined): number | undefined {
  if (!/^\d{1,15}$/.test(text ?? "")) return undefined;
  const timeMs = Number(text);
  return timeMs > LAST_MS ? undefined : timeMs;
}

/** The distance of a time from a span, in milliseconds: negative before it, positive after it, else 0. Pure. */
export function offFrom(timeMs: number, fromMs: number, toMs: number): number {
  return timeMs < fromMs ? timeMs - fromMs : Math.max(0, timeMs - toMs);
}

/** The clocks of other nodes against this machine's, as their messages tell. */
export class PeerClocks {
  /** By peer. */
  readonly #offs = new Map<string, { readonly offMs: number; readonly heardMs: number }>();

  /** Notes a peer's request. One without a time changes nothing: programs before this one tell none. */
  noteRequest(peer: string, toldMs: number | undefined): void {
    if (toldMs === undefined) return;
    const offMs = toldMs - Date.now();
    this.#note(peer, offMs < 0 && offMs > -MAX_WAY_MS ? 0 : offMs);
  }

  /**
   * Notes a peer's answer. It was sent at some time between question and now.
   * @param askedMs When it was asked, by this machine's clock, milliseconds since the epoch.
   */
  noteAnswer(peer: string, toldMs: number | undefined, askedMs: number): void {
    if (toldMs !== undefined) this.#note(peer, offFrom(toldMs, askedMs, Date.now()));
  }

  #note(peer: string, offMs: number): void {
    const heardMs = performance.now();
    const before = this.#offs.get(peer);
    const isWorse = before !== undefined && Math.abs(before.offMs) > Math.abs(offMs);
    if (!isWorse || heardMs - before.heardMs > HELD_MS) this.#offs.set(peer, { offMs, heardMs });
  }

  /**
   * The clocks that are off by more than {@link MAX_CLOCK_OFF_MS}, of peers that were heard within the last minute:
   * milliseconds by peer, negative where the peer's is behind. Of a peer that only asks, less than 10 s behind is not
   * told: its request may have waited on its way.
   */
  off(): Readonly<Record<string, number>> {
    const sinceMs = performance.now() - RECENT_MS;
    return Object.fromEntries(
      [...this.#offs].flatMap(([peer, { offMs, heardMs }]) =>
        Math.abs(offMs) > MAX_CLOCK_OFF_MS && heardMs >= sinceMs ? [[peer, offMs]] : [],
      ),
    );
  }
}
