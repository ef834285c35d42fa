import { MeshError } from "@adaos/core";
import { type StoredMessage, storedMessageAt, storedPage } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { streamAt } from "../standing/event-consumer.ts";

/** Where following a stream begins. */
export type FollowFrom =
  | { readonly kind: "now" }
  /** With the newest event that is stored. */
  | { readonly kind: "last" }
  /** With the first event stored at or after a time, milliseconds since the epoch. */
  | { readonly kind: "time"; readonly ms: number }
  /** Behind a place of the stream. */
  | { readonly kind: "after"; readonly seq: number };

/** Events between two places that a reader asked for, and that the stream does not hold any more. */
export interface FollowGap {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** The stream was made anew, or has lost its end: its numbers begin below the reader's place. */
  readonly isAnew: boolean;
}

/** A page that was read, and the place behind it. */
export interface ReadPage {
  readonly messages: readonly StoredMessage[];
  readonly nextSeq: number;
  /** Whether the stream had no further message when it answered. */
  readonly isLast: boolean;
}

/** A server that has not sent a page by then is away. */
const ANSWER_MS = 5000;

/**
 * Reads the stream of events of one server from a place of it. It keeps no consumer at the server: a restart of either
 * end leaves nothing to mend, and the place alone tells where to go on.
 */
export class StreamReader {
  readonly #server: Omit<OpenServer, "of">;
  readonly #stream: string;

  constructor({ of, connection, jsm }: OpenServer) {
    this.#server = { connection, jsm };
    this.#stream = streamAt(of);
  }

  /** The place of the first message of a filter to read. Rejects with `unavailable`. */
  async find(from: FollowFrom, filter: string): Promise<number> {
    const { connection } = this.#server;
    if (from.kind === "after") return from.seq + 1;
    if (from.kind === "now") return (await this.ends()).lastSeq + 1;
    const at =
      from.kind === "last"
        ? { last_by_subj: filter }
        : { start_time: new Date(from.ms).toISOString(), next_by_subj: filter };
    // Asked before: what is stored between the two answers would lie before the place, and never be read.
    const { lastSeq } = await this.ends();
    const message = await storedMessageAt(connection, this.#stream, at);
    return message?.seq ?? lastSeq + 1;
  }

  /** The next messages of a filter. Rejects with `unavailable`, or with the client's errors. */
  async page(filter: string, seq: number): Promise<ReadPage> {
    const { connection } = this.#server;
    const { messages, isLast } = await storedPage(
      connection,
      this.#stream,
      filter,
      { seq },
      { answerMs: ANSWER_MS },
    );
    if (messages.length === 0 && !isLast)
      throw new MeshError("unavailable", `stream ${this.#stream} does not answer`);
    return { messages, isLast, nextSeq: (messages.at(-1)?.seq ?? seq - 1) + 1 };
  }

  /** The first and the last place of the stream. Rejects with the client's errors. */
  async ends(): Promise<{ readonly firstSeq: number; readonly lastSeq: number }> {
    const { state } = await this.#server.jsm.streams.info(this.#stream);
    return { firstSeq: state.first_seq, lastSeq: state.last_seq };
  }
}

/** What is missing at a reader's next place, and where it goes on. Pure. */
export function gapBetween(
  nextSeq: number,
  { firstSeq, lastSeq }: { readonly firstSeq: number; readonly lastSeq: number },
): { readonly gap: FollowGap; readonly nextSeq: number } | undefined {
  if (nextSeq > lastSeq + 1)
    return {
      gap: { fromSeq: lastSeq + 1, toSeq: nextSeq - 1, isAnew: true },
      nextSeq: Math.max(firstSeq, 1),
    };
  if (nextSeq >= firstSeq) return undefined;
  return { gap: { fromSeq: nextSeq, toSeq: firstSeq - 1, isAnew: false }, nextSeq: firstSeq };
}
