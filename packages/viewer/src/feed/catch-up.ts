import { delay, patternToFilter } from "@adaos/core/wire";
import { type FollowFrom, gapBetween, type OpenServer, StreamReader } from "@adaos/operations";
import type { StoredMessage } from "@adaos/transport-nats";
import type { FeedQuery } from "./feed-query.ts";
import { EVERY_EVENT, type PlaceTail } from "./place-tail.ts";

/** A page has at most 500 messages: at most 20,000 messages a second are read for one reader. */
const PAGE_MS = 25;
const RETRY_MS = 500;
/** A reader that has not come to the newest event by then is given the newest. */
const CATCH_UP_MS = 120_000;

/** What a reader is given of the past. */
export interface CatchUpReader {
  /** The first place of the past is known. */
  onBegin(nextSeq: number): void;
  /** Resolves once there is room for more. */
  onPast(messages: readonly StoredMessage[]): Promise<void>;
  /** Events between these places are not sent. */
  onLeftOut(fromSeq: number, toSeq: number, reason: string): void;
  /**
   * From this place on the tail's messages follow, without one left out or twice: it must be listened to before
   * anything else happens.
   */
  onCaughtUp(nextSeq: number): void;
}

/**
 * Gives a reader the events of a stream from a place on, until it has those that the tail has given to its listeners.
 * Rejects with the errors of the reader. A server that is away is waited for; the tail tells of it.
 */
export async function catchUp(
  tail: PlaceTail,
  { from, query }: { readonly from: FollowFrom; readonly query: FeedQuery },
  reader: CatchUpReader,
  signal: AbortSignal,
): Promise<void> {
  const server = await tail.server(signal);
  if (server === undefined) return;
  const past = new Past(server, query, reader);
  const startedMs = performance.now();
  while (!signal.aborted) {
    let messages: readonly StoredMessage[];
    try {
      await past.begin(from);
      if (signal.aborted) return;
      const target = tail.nextSeq ?? 0;
      if (past.next >= target) return reader.onCaughtUp(past.next);
      if (performance.now() - startedMs > CATCH_UP_MS) {
        reader.onLeftOut(past.next, target - 1, "the reader was too far behind");
        return reader.onCaughtUp(target);
      }
      [messages] = await Promise.all([past.read(target), delay(PAGE_MS, signal)]);
    } catch {
      // The tail asks the same server and tells why it does not answer.
      await delay(RETRY_MS, signal);
      continue;
    }
    if (!signal.aborted) await reader.onPast(messages);
  }
}

class Past {
  readonly #stream: StreamReader;
  readonly #filter: string;
  readonly #reader: CatchUpReader;
  #next: number | undefined;

  constructor(server: OpenServer, query: FeedQuery, reader: CatchUpReader) {
    this.#stream = new StreamReader(server);
    this.#filter = filterOf(query);
    this.#reader = reader;
  }

  get next(): number {
    return this.#next ?? 0;
  }

  async begin(from: FollowFrom): Promise<void> {
    if (this.#next !== undefined) return;
    const next = await this.#stream.find(from, this.#filter);
    const missing = gapBetween(next, await this.#stream.ends());
    this.#next = missing?.nextSeq ?? next;
    this.#reader.onBegin(this.#next);
    if (missing === undefined) return;
    const { fromSeq, toSeq, isAnew } = missing.gap;
    const reason = isAnew ? "the stream was made anew" : "the stream does not hold them any more";
    this.#reader.onLeftOut(fromSeq, toSeq, reason);
  }

  /** @param target A place that the stream had before: a last page has every event below it. */
  async read(target: number): Promise<readonly StoredMessage[]> {
    const { messages, nextSeq, isLast } = await this.#stream.page(this.#filter, this.next);
    this.#next = isLast ? Math.max(nextSeq, target) : nextSeq;
    return messages;
  }
}

/** A server searches for one pattern itself. Pure. */
function filterOf({ patterns, origin }: FeedQuery): string {
  const [pattern, ...more] = patterns;
  return pattern === undefined || more.length > 0 ? EVERY_EVENT : patternToFilter(pattern, origin);
}
