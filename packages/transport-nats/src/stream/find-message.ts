import { MeshError } from "@adaos/core";
import { AckPolicy, DeliverPolicy, type JetStreamManager, type Msg } from "nats";
import type { Connection } from "../connection/connection.ts";
import { headOf, idOfMsg } from "../connection/message-headers.ts";
import { parseAckSubject } from "../pull/ack-subject.ts";
import { ReadingLimit } from "./reading-limit.ts";

/** Where to look for a message. */
export interface MessageSearch {
  readonly since: Date;
  /** Wildcards too. @default every subject */
  readonly subjects?: readonly string[];
  /** Whether the event at the end of a page lies behind everything that is searched for. @default never */
  readonly isBeyond?: ((eventId: string) => boolean) | undefined;
  /** Whether nobody waits for the result any more. */
  readonly isOver?: (() => boolean) | undefined;
}

/** Small enough that a near message is found soon; a request for a page costs half a millisecond. */
const PAGE_MESSAGES = 1000;
const ANSWER_MS = 10_000;
/** The server removes a reader whose process is gone after this time. */
const IDLE_MS = 30_000;

interface Page {
  readonly places: readonly number[];
  readonly count: number;
  readonly last: Msg | undefined;
  readonly isLast: boolean;
}

/**
 * Places of a stream with an id in the headers, oldest first. It reads no bodies and decodes none of the messages that
 * it passes: a quarter of the cost of reading each message. Rejects with `unavailable` or what the client throws.
 */
export async function* placesOfId(
  connection: Connection,
  jsm: JetStreamManager,
  stream: string,
  id: string,
  { since, subjects = [], isBeyond = () => false, isOver = () => false }: MessageSearch,
): AsyncGenerator<number> {
  const { name } = await jsm.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    headers_only: true,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: since.toISOString(),
    ...(subjects.length === 0 ? {} : { filter_subjects: [...subjects] }),
    inactive_threshold: IDLE_MS * 1e6,
    mem_storage: true,
  });
  const wanted = Buffer.from(id);
  const limit = ReadingLimit.current;
  try {
    while (!isOver() && limit?.admits() !== false) {
      const { places, count, last, isLast } = await readPage(connection, stream, name, wanted);
      limit?.take(count);
      yield* places;
      if (isLast || last === undefined || isBeyond(idOfMsg(last))) return;
    }
  } finally {
    // The server would remove it after a while, but frequent searches should not leave many behind.
    await jsm.consumers.delete(stream, name).catch(() => undefined);
  }
}

function readPage(connection: Connection, stream: string, consumer: string, wanted: Buffer): Promise<Page> {
  return new Promise((resolve, reject) => {
    const places: number[] = [];
    let count = 0;
    let last: Msg | undefined;
    const close = (): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
    };
    const end = (isLast: boolean): void => {
      close();
      resolve({ places, count, last, isLast });
    };
    const fail = (reason: string): void => {
      close();
      reject(new MeshError("unavailable", `stream ${stream} is not read: ${reason}`));
    };
    const timer = setTimeout(() => fail(`no answer in ${ANSWER_MS} ms`), ANSWER_MS);
    const inbox = connection.newInbox();
    const subscription = connection.nc.subscribe(inbox, {
      callback: (error, msg) => {
        if (error !== null) return fail(error.message);
        if (msg.reply === undefined || msg.reply === "") {
          // Only the server sends messages without a reply subject here: a page has ended, or cannot begin.
          const { code = 0, description = "" } = msg.headers ?? {};
          return code === 404 || code === 408 ? end(true) : fail(`${description} (${code})`);
        }
        const seq = headOf(msg)?.includes(wanted) === true ? parseAckSubject(msg.reply)?.seq : undefined;
        if (seq !== undefined) places.push(seq);
        last = msg;
        if (++count >= PAGE_MESSAGES) end(false);
      },
    });
    const request = JSON.stringify({ batch: PAGE_MESSAGES, no_wait: true });
    connection.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, request, { reply: inbox });
  });
}
