import { randomUUID } from "node:crypto";
import { type Logger, MeshError, type PublishReceipt } from "@adaos/core";
import {
  formatParkedPlace,
  PARKED_EVENTS,
  parkedEventSubject,
  parkedStream,
  parkedWaitFilter,
  parkedWaitSubject,
  parseDeliverySubject,
  parseParkedSubject,
} from "@adaos/core/wire";
import {
  type Connection,
  type StoredMessage,
  StreamPublisher,
  storedMessageAt,
  storedMessages,
} from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import { type NoRoom, ParkedIndex, type Wait } from "./parked-index.ts";

export interface DurableOfNode {
  readonly node: string;
  readonly durable: string;
}

/** A durable's request to wait for an event of the subnet's stream. */
export interface Claim {
  readonly of: DurableOfNode;
  readonly event: StoredMessage;
}

/** A claim that was refused. */
export interface NotParked {
  readonly claim: Claim;
  /** Not given: the stream is full, or refuses a message of this size. */
  readonly noRoom?: NoRoom;
}

/** A record without content. Its body is not empty, since an empty message ends a page for its reader. */
const WAITS = { headers: {}, body: new TextEncoder().encode("waits") };
/** Limit of one origin, which may also take a quarter of all bytes. */
const ORIGIN_MAX_EVENTS = 10_000;
const ORIGIN_SHARE = 4;
/** The rest stays free, since the count of bytes is an estimate. */
const FILL = 0.9;
/** Interval of checks that the stream matches the index: operators delete messages, and messages expire. */
const LOOK_MS = 60_000;
/** Events removed at one check; the next check removes more. */
const MAX_REMOVED = 1000;

/**
 * Stores the events whose schema is not known, and the durables that wait for them, in one stream of one subnet. It is
 * that stream's only writer. It runs one operation at a time, so that its index matches the stream.
 */
export class ParkedStore {
  readonly #subnet: string;
  readonly #stream: string;
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;
  readonly #log: Logger;
  readonly #publisher: StreamPublisher;
  #book: ParkedIndex | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(subnet: string, connection: Connection, jsm: JetStreamManager, log: Logger) {
    this.#subnet = subnet;
    this.#stream = parkedStream(subnet);
    this.#connection = connection;
    this.#jsm = jsm;
    this.#log = log;
    this.#publisher = new StreamPublisher(connection, { isOrdered: false });
  }

  /** Runs one operation at a time on the index, which is read again after any failure. */
  alone<T>(work: (book: ParkedIndex) => Promise<T>): Promise<T> {
    this.#timer ??= setInterval(() => void this.#look(), LOOK_MS).unref();
    const done = this.#turn.then(async () => {
      this.#book ??= await this.#read();
      try {
        return await work(this.#book);
      } catch (thrown) {
        this.#book = undefined;
        throw thrown;
      }
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /**
   * Stores events for durables that wait for them: each event once, and a record for each waiting durable. Resolves
   * once stored, with the refused claims. Called within {@link alone}.
   */
  async park(book: ParkedIndex, claims: readonly Claim[]): Promise<readonly NotParked[]> {
    const not: NotParked[] = [];
    const copies = new Map<string, Promise<PublishReceipt | undefined>>();
    const wanted: { readonly claim: Claim; readonly place: string }[] = [];
    for (const claim of claims) {
      const place = placeOf(claim.event);
      if (book.hasWait(keyOf(claim.of), place)) continue;
      const noRoom = book.noRoom(place);
      if (noRoom !== undefined) {
        not.push({ claim, noRoom });
        continue;
      }
      if (!book.hasEvent(place)) copies.set(place, this.#store(parkedEventSubject(place), claim.event));
      book.addEvent(place);
      wanted.push({ claim, place });
    }
    // The event first: a record without its event would lose the event.
    for (const [place, copy] of copies) if ((await copy) === undefined) book.dropEvent(place);
    await Promise.all(
      wanted.map(async ({ claim, place }) => {
        const kept = book.hasEvent(place)
          ? await this.#store(parkedWaitSubject(claim.of, place), WAITS)
          : undefined;
        if (kept === undefined) not.push({ claim });
        else book.addWait(keyOf(claim.of), place, kept.seq);
      }),
    );
    return not;
  }

  /** The copy of an event; undefined when it was removed. */
  eventAt(place: string): Promise<StoredMessage | undefined> {
    return storedMessageAt(this.#connection, this.#stream, { last_by_subj: parkedEventSubject(place) });
  }

  /** Removes a durable's wait from the index, and the event after its last wait. */
  async ended(book: ParkedIndex, of: DurableOfNode, { place }: Wait): Promise<void> {
    book.dropWait(keyOf(of), place);
    if (book.isUnwaited(place)) await this.#removeEvent(book, place);
  }

  /** Reads the index again when it does not match the stream. Called within {@link alone}. */
  async fresh(book: ParkedIndex): Promise<ParkedIndex> {
    const { messages } = (await this.#jsm.streams.info(this.#stream)).state;
    if (messages === book.messages) return book;
    this.#book = await this.#read();
    return this.#book;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#turn;
    await this.#publisher.close();
  }

  /** Resolves with undefined when the stream is full, or refuses the message. */
  async #store(
    subject: string,
    { headers, body }: Pick<StoredMessage, "headers" | "body">,
  ): Promise<PublishReceipt | undefined> {
    try {
      return await this.#publisher.publish({ subject, id: randomUUID(), headers, body });
    } catch (thrown) {
      if (thrown instanceof MeshError && (thrown.code === "backpressure" || thrown.code === "too-large"))
        return undefined;
      throw thrown;
    }
  }

  async #read(): Promise<ParkedIndex> {
    const { config, state } = await this.#jsm.streams.info(this.#stream, { subjects_filter: PARKED_EVENTS });
    const book = new ParkedIndex(this.#subnet, {
      maxBytes: Math.floor(config.max_bytes * FILL),
      originMaxBytes: Math.floor(config.max_bytes / ORIGIN_SHARE),
      originMaxEvents: ORIGIN_MAX_EVENTS,
    });
    for (const subject of Object.keys(state.subjects ?? {})) {
      const parsed = parseParkedSubject(subject);
      if (parsed !== undefined) book.addEvent(parsed.place);
    }
    const all = parkedWaitFilter({ node: "*", durable: "*" });
    for await (const { subject, seq } of storedMessages(this.#connection, this.#stream, all)) {
      const parsed = parseParkedSubject(subject);
      if (parsed?.kind !== "wait") continue;
      if (book.hasEvent(parsed.place)) book.addWait(keyOf(parsed), parsed.place, seq);
      // Its event has expired.
      else await this.#jsm.streams.deleteMessage(this.#stream, seq, false);
    }
    return book;
  }

  /** Removes events without waits, after an operator has replayed or deleted these. */
  async #look(): Promise<void> {
    try {
      await this.alone(async (known) => {
        const book = await this.fresh(known);
        let removed = 0;
        for (const place of [...book.unwaited()].slice(0, MAX_REMOVED)) {
          await this.#removeEvent(book, place);
          removed++;
        }
        if (removed > 0) this.#log.debug({ removed }, "parked events removed");
      });
    } catch (err) {
      this.#log.debug({ err }, "parked events not looked at");
    }
  }

  async #removeEvent(book: ParkedIndex, place: string): Promise<void> {
    await this.#jsm.streams.purge(this.#stream, { filter: parkedEventSubject(place) });
    book.dropEvent(place);
  }
}

export function keyOf({ node, durable }: DurableOfNode): string {
  return `${node}/${durable}`;
}

/** Throws `invalid-event` when the message's subject is not an event's. */
function placeOf({ seq, storedAt, subject, headers, body }: StoredMessage): string {
  let bytes = body.length;
  for (const [key, value] of Object.entries(headers)) bytes += key.length + value.length;
  return formatParkedPlace({
    seq,
    storedMs: Date.parse(storedAt),
    bytes,
    address: parseDeliverySubject(subject),
  });
}
