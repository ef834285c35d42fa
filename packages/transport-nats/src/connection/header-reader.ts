import { MeshError } from "@adaos/core";
import { AckPolicy, DeliverPolicy, type JetStreamManager, type Msg } from "nats";
import { parseAckSubject } from "../pull/ack-subject.ts";
import { sizeOfMsg } from "../pull/pull-request.ts";
import type { Connection } from "./connection.ts";
import { serverHeader } from "./message-headers.ts";

/** A stored message, described by its headers alone. */
export interface Listed {
  readonly seq: number;
  readonly subject: string;
  /** The space that it takes in its stream. */
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly storedMs: number;
}

export interface ListedPage {
  readonly messages: readonly Listed[];
  /** There was no more. */
  readonly isLast: boolean;
}

/** Few: a stream that is written fast hands out one between two disk syncs. */
const PAGE_MESSAGES = 256;
/** Headers of one message may be nearly a megabyte. */
const PAGE_BYTES = 8_388_608;
const PAGE_MS = 1000;
/** While a flood waits to be written, the first message may take seconds. A new reader would wait anew, and longer. */
const FIRST_MS = 5000;
/** The server removes a reader whose process is gone after this time. */
const IDLE_MS = 30_000;
/** Bytes that a file store adds to subject, headers and body. */
const OVERHEAD_BYTES = 48;

/**
 * Reads the subject, the headers and the size of each message of a stream, without the bodies. Uses a connection and
 * does not own it.
 */
export class HeaderReader {
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;
  readonly #stream: string;
  readonly #filters: readonly string[];
  #consumer: string | undefined;

  /** @param filters Subjects; all when there is none. */
  constructor(
    connection: Connection,
    jsm: JetStreamManager,
    stream: string,
    filters: readonly string[] = [],
  ) {
    this.#connection = connection;
    this.#jsm = jsm;
    this.#stream = stream;
    this.#filters = filters;
  }

  /**
   * The next page, which begins where the page before ended. The first page begins at `fromSeq`, and so does one after
   * a page that failed or was cut short. Rejects with `unavailable` or what the client throws.
   */
  async next(fromSeq: number): Promise<ListedPage> {
    this.#consumer ??= await this.#make(fromSeq);
    const consumer = this.#consumer;
    try {
      const page = await this.#page(consumer);
      // Messages that come late are dropped: another reader begins behind the newest one that came.
      if (page.isCut) await this.close();
      return page;
    } catch (thrown) {
      this.#consumer = undefined;
      throw thrown;
    }
  }

  /** Safe to call twice; the reader can be used again afterwards. */
  async close(): Promise<void> {
    const name = this.#consumer;
    this.#consumer = undefined;
    if (name === undefined || this.#connection.nc.isClosed()) return;
    await this.#jsm.consumers.delete(this.#stream, name).catch(() => undefined);
  }

  async #make(fromSeq: number): Promise<string> {
    const { name } = await this.#jsm.consumers.add(this.#stream, {
      ack_policy: AckPolicy.None,
      headers_only: true,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: fromSeq,
      inactive_threshold: IDLE_MS * 1e6,
      mem_storage: true,
      ...(this.#filters.length === 0 ? {} : { filter_subjects: [...this.#filters] }),
    });
    return name;
  }

  #page(consumer: string): Promise<ListedPage & { readonly isCut: boolean }> {
    const { nc } = this.#connection;
    return new Promise((resolve, reject) => {
      const messages: Listed[] = [];
      const close = (): void => {
        clearTimeout(timer);
        subscription.unsubscribe();
      };
      const end = (isLast: boolean, isCut = false): void => {
        close();
        resolve({ messages, isLast, isCut });
      };
      const fail = (reason: string): void => {
        close();
        reject(new MeshError("unavailable", `stream ${this.#stream} is not read: ${reason}`));
      };
      let isLate = false;
      let timer = setTimeout(() => {
        if (messages.length > 0) return end(false, true);
        isLate = true;
        timer = setTimeout(() => fail(`no answer in ${FIRST_MS} ms`), FIRST_MS - PAGE_MS);
      }, PAGE_MS);
      const inbox = this.#connection.newInbox();
      let count = 0;
      const subscription = nc.subscribe(inbox, {
        callback: (error, msg) => {
          if (error !== null) return fail(error.message);
          // Only the server writes to the inbox; a stored message comes under its own subject, whatever its headers
          // say.
          const { code = 0, description = "" } = (msg.subject === inbox ? msg.headers : undefined) ?? {};
          if (code === 404 || code === 408) return end(true);
          // The next would not fit into the page.
          if (code === 409 && count > 0) return end(false);
          if (code !== 0) return fail(description);
          const listed = listedOf(msg);
          if (listed !== undefined) messages.push(listed);
          if (++count >= PAGE_MESSAGES) end(false);
          else if (isLate) end(false, true);
        },
      });
      const request = { batch: PAGE_MESSAGES, max_bytes: PAGE_BYTES, no_wait: true };
      nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${consumer}`, JSON.stringify(request), {
        reply: inbox,
      });
    });
  }
}

function listedOf(msg: Msg): Listed | undefined {
  const { subject, reply } = msg;
  const at = parseAckSubject(reply ?? "");
  if (at === undefined) return undefined;
  // Headers count as they came, since unreadable ones take room as well. The server adds only one line, which is short.
  const body = Number(serverHeader(msg, "Nats-Msg-Size"));
  const bytes = subject.length + OVERHEAD_BYTES + sizeOfMsg(msg) + (Number.isFinite(body) ? body : 0);
  return { seq: at.seq, subject, bytes, storedMs: at.storedMs };
}
