import type { Msg } from "nats";
import type { AckSubject } from "./ack-subject.ts";

/** A message that was delivered while some before it are missing. */
export interface Early {
  readonly msg: Msg;
  readonly at: AckSubject;
  readonly bytes: number;
}

export interface Room {
  readonly count: number;
  readonly bytes: number;
}

/** Numbers remembered of messages for which there was no room. */
const MAX_DROPPED = 4000;

/** Messages that wait for those before them, within bounds: the first ones of the stream have priority. */
export class EarlyMessages {
  /** By sequence number. */
  readonly #messages = new Map<number, Early>();
  /** Sequence numbers of messages that came and found no room. */
  readonly #dropped = new Set<number>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  has(seq: number): boolean {
    return this.#messages.has(seq);
  }

  all(): Iterable<Early> {
    return this.#messages.values();
  }

  /** The acknowledgement subject of any of the messages. */
  any(): AckSubject | undefined {
    const [first] = this.#messages.values();
    return first?.at;
  }

  /** @param above Messages up to this place are handed over and are not kept. */
  add(early: Early, above: number, room: Room): void {
    const { seq } = early.at;
    if (seq <= above) return;
    this.#remove(seq);
    this.#dropped.delete(seq);
    this.#messages.set(seq, early);
    this.#bytes += early.bytes;
    while (this.#messages.size > 1 && (this.#messages.size > room.count || this.#bytes > room.bytes)) {
      const last = Math.max(...this.#messages.keys());
      this.#remove(last);
      if (this.#dropped.size < MAX_DROPPED) this.#dropped.add(last);
    }
  }

  /** How many places between two numbers, the lower one excluded, are here or were dropped. */
  countBetween(above: number, upTo: number): number {
    let count = 0;
    for (const numbers of [this.#messages.keys(), this.#dropped])
      for (const seq of numbers) if (seq > above && seq <= upTo) count++;
    return count;
  }

  /** Removes, in order, the messages after this number and before any that found no room. */
  take(above: number): { readonly ready: readonly Early[]; readonly isAll: boolean } {
    for (const seq of this.#dropped) if (seq <= above) this.#dropped.delete(seq);
    const end = Math.min(...this.#dropped);
    const sorted = [...this.#messages.values()].sort((a, b) => a.at.seq - b.at.seq);
    for (const { at } of sorted) if (at.seq < end) this.#remove(at.seq);
    const ready = sorted.filter(({ at }) => at.seq > above && at.seq < end);
    return { ready, isAll: this.#dropped.size === 0 };
  }

  clear(): void {
    this.#messages.clear();
    this.#dropped.clear();
    this.#bytes = 0;
  }

  #remove(seq: number): void {
    const early = this.#messages.get(seq);
    if (early === undefined) return;
    this.#messages.delete(seq);
    this.#bytes -= early.bytes;
  }
}
