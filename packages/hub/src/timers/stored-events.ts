import { decodeEnvelope } from "@adaos/core";
import type { StoredFrom, StoredMessage } from "@adaos/transport-nats";

/** Reads a stream's messages of a subject, oldest first, up to a maximum. */
export type ReadStored = (
  subject: string,
  from: StoredFrom,
  most: number,
) => AsyncIterable<Pick<StoredMessage, "seq" | "body">>;

interface Known {
  readonly sinceMs: number;
  readonly seqs: Map<string, number>;
  lastSeq: number;
  reading: Promise<void>;
  /** Begins when `reading` has ended. */
  next: Promise<void> | undefined;
  forget: NodeJS.Timeout | undefined;
}

/** The maximum of messages of one reading. */
const MAX_READ = 20_000;
/** The maximum of known messages of one subject; with more, the subject is read anew. */
const MAX_KNOWN = 100_000;
const KEPT_MS = 30_000;

/** Finds events by their ids. Many that look for events of the same subject read them once. */
export class StoredEvents {
  readonly #read: ReadStored;
  readonly #subjects = new Map<string, Known>();

  constructor(read: ReadStored) {
    this.#read = read;
  }

  /**
   * The place of an event that was stored before this call, and not before `sinceMs`. Rejects as reading does.
   * Undefined also where far too many events of the subject were stored since then.
   */
  async find(subject: string, sinceMs: number, id: string): Promise<number | undefined> {
    let known = this.#subjects.get(subject);
    if (known === undefined || known.sinceMs > sinceMs || known.seqs.size > MAX_KNOWN) {
      clearTimeout(known?.forget);
      const reading = Promise.resolve();
      known = { sinceMs, seqs: new Map(), lastSeq: 0, reading, next: undefined, forget: undefined };
      this.#subjects.set(subject, known);
    }
    if (!known.seqs.has(id)) await this.#readOn(subject, known);
    return known.seqs.get(id);
  }

  /** A reading under way may have passed the end: those that ask meanwhile share the next one. */
  #readOn(subject: string, known: Known): Promise<void> {
    known.next ??= known.reading
      .catch(() => undefined)
      .then(() => {
        known.next = undefined;
        known.reading = this.#readAll(subject, known);
        return known.reading;
      });
    return known.next;
  }

  async #readAll(subject: string, known: Known): Promise<void> {
    const { sinceMs, lastSeq, seqs } = known;
    clearTimeout(known.forget);
    const from = lastSeq === 0 ? { time: new Date(sinceMs) } : { seq: lastSeq + 1 };
    for await (const { seq, body } of this.#read(subject, from, MAX_READ)) {
      known.lastSeq = seq;
      const id = idOf(body);
      if (id !== undefined) seqs.set(id, seq);
    }
    known.forget = setTimeout(() => {
      if (this.#subjects.get(subject) === known) this.#subjects.delete(subject);
    }, KEPT_MS);
    known.forget.unref();
  }
}

function idOf(body: Uint8Array): string | undefined {
  try {
    return decodeEnvelope(body).event_id;
  } catch {
    // No event of a timer.
    return undefined;
  }
}
