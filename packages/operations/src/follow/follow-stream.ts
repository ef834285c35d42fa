import { delay, messageOf } from "@adaos/core/wire";
import type { StoredMessage } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { type FollowFrom, type FollowGap, gapBetween, type ReadPage, StreamReader } from "./stream-reader.ts";

/** What a follower is told. Nothing is told of a stream after `followStream()` has resolved. */
export interface FollowReports {
  /** Messages in the order of the stream. The next ones are read once this has resolved. */
  onMessages(messages: readonly StoredMessage[], nextSeq: number): void | Promise<void>;
  /** It is known where following begins. */
  onStart?(nextSeq: number): void;
  onGap?(gap: FollowGap): void;
  /** The server does not answer; it is asked until it does. */
  onAway(reason: string): void;
  onBack(): void;
}

/** How late an event is seen at most, when the stream was silent before it. */
const IDLE_MS = 100;
/** Between two attempts at a server that is away. */
const AWAY_MS = 250;
/** Between two looks at the ends of the stream. */
const LOOK_MS = 5000;

/**
 * Follows the stream of events of one server, under one filter, until aborted. A server that goes away and comes back
 * is told and survived: no message is left out and none comes twice. Rejects with the errors of `onMessages`.
 */
export async function followStream(
  server: OpenServer,
  { filter, from }: { readonly filter: string; readonly from: FollowFrom },
  reports: FollowReports,
  signal: AbortSignal,
): Promise<void> {
  const absence = new Absence(reports);
  const unlisten = server.connection.listen({
    onDisconnect: () => absence.begins("it is disconnected"),
  });
  const place = new FollowedPlace(new StreamReader(server), filter, from);
  try {
    while (!signal.aborted) {
      let found: Pick<ReadPage, "messages" | "isLast"> | undefined;
      try {
        found = server.connection.connected ? await unless(signal, place.read(reports, signal)) : undefined;
        if (server.connection.connected && !signal.aborted) absence.ends();
      } catch (thrown) {
        place.lookAgain();
        if (!signal.aborted) absence.begins(messageOf(thrown));
      }
      if (signal.aborted) return;
      if (found === undefined) await delay(AWAY_MS, signal);
      else {
        if (found.messages.length > 0) await reports.onMessages(found.messages, place.nextSeq);
        // A busy stream fills a page meanwhile; asked at once, it would send a handful for each question.
        if (found.isLast) await delay(IDLE_MS, signal);
      }
    }
  } finally {
    unlisten();
  }
}

/** The place that a follower has come to. */
class FollowedPlace {
  readonly #reader: StreamReader;
  readonly #filter: string;
  readonly #from: FollowFrom;
  #next: number | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** The end of the stream at the last look. */
  #lastSeq = 0;

  constructor(reader: StreamReader, filter: string, from: FollowFrom) {
    this.#reader = reader;
    this.#filter = filter;
    this.#from = from;
  }

  get nextSeq(): number {
    return this.#next ?? 0;
  }

  async read(
    reports: FollowReports,
    signal: AbortSignal,
  ): Promise<Pick<ReadPage, "messages" | "isLast"> | undefined> {
    if (this.#next === undefined) {
      this.#next = await this.#reader.find(this.#from, this.#filter);
      if (signal.aborted) return undefined;
      reports.onStart?.(this.#next);
    }
    if (performance.now() - this.#lookedMs > LOOK_MS) {
      const ends = await this.#reader.ends();
      if (signal.aborted) return undefined;
      const missing = gapBetween(this.#next, ends);
      if (missing !== undefined) {
        this.#next = missing.nextSeq;
        reports.onGap?.(missing.gap);
      }
      this.#lastSeq = ends.lastSeq;
      this.#lookedMs = performance.now();
    }
    const { messages, nextSeq, isLast } = await this.#reader.page(this.#filter, this.#next);
    // Without a message up to the end that was seen before, the search for the next one begins behind that end.
    this.#next = messages.length === 0 && isLast ? Math.max(nextSeq, this.#lastSeq + 1) : nextSeq;
    return { messages, isLast };
  }

  /** Before the next messages are read, the ends of the stream are looked at: it may be another one. */
  lookAgain(): void {
    this.#lookedMs = Number.NEGATIVE_INFINITY;
  }
}

/** Tells once that a server is away, and once that it is back. */
class Absence {
  readonly #reports: FollowReports;
  #isAway = false;

  constructor(reports: FollowReports) {
    this.#reports = reports;
  }

  begins(reason: string): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#reports.onAway(reason);
  }

  ends(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#reports.onBack();
  }
}

/** Resolves with undefined where the signal aborts first: a server that hangs must not delay the end. */
function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => resolve(undefined);
    signal.addEventListener("abort", aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}
