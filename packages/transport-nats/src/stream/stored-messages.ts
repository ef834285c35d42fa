import { MeshError } from "@adaos/core";
import { type Msg, RequestStrategy } from "nats";
import type { Connection } from "../connection/connection.ts";
import { headersOfMsg, headOf, serverHeader } from "../connection/message-headers.ts";
import { ReadingLimit } from "./reading-limit.ts";

/** A message as a stream holds it. */
export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  /** RFC 3339. */
  readonly storedAt: string;
  /** Trace context and signature. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Where reading begins: at a place in the stream, or at the first message stored at or after a time. */
export type StoredFrom = { readonly seq: number } | { readonly time: Date };

/** One page: small enough to keep in memory, large enough that requests for pages cost little. */
const PAGE_MESSAGES = 500;
const PAGE_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 10_000;

/**
 * The messages of a stream under one subject (wildcards too), oldest first, a page at a time. Only a page is in memory,
 * and a slow reader makes the server wait. Ends with the messages that were there when the last page was requested, or
 * at the {@link ReadingLimit} of the task.
 * @param most Most messages to read.
 */
export async function* storedMessages(
  connection: Connection,
  stream: string,
  subject: string,
  from: StoredFrom = { seq: 1 },
  most: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<StoredMessage> {
  let next = from;
  let left = most;
  const limit = ReadingLimit.current;
  while (left > 0) {
    if (limit?.admits() === false) return;
    const page = await storedPage(connection, stream, subject, next, { most: left, answerMs: ANSWER_MS });
    yield* page.messages;
    left -= page.messages.length;
    limit?.take(page.messages.length);
    const last = page.messages.at(-1);
    if (last !== undefined) next = { seq: last.seq + 1 };
    if (page.isLast) return;
    // Cut short by the time limit or a message without a body: request the rest, as long as messages come.
    if (page.messages.length === 0) throw new MeshError("timeout", `stream ${stream} does not answer`);
  }
}

/** Messages that follow each other in a stream. */
export interface StoredPage {
  readonly messages: readonly StoredMessage[];
  /** Whether the stream had no further message of the subject when it answered. */
  readonly isLast: boolean;
}

/**
 * One page of {@link storedMessages}. It needs no consumer, so that a restart of the server leaves nothing to mend.
 * Rejects with `unavailable`, or with the client's errors.
 * @param answerMs The page ends after this time, with what has come.
 */
export async function storedPage(
  { nc }: Connection,
  stream: string,
  subject: string,
  from: StoredFrom,
  { most = PAGE_MESSAGES, answerMs }: { readonly most?: number; readonly answerMs: number },
): Promise<StoredPage> {
  const place = "seq" in from ? from : { start_time: from.time.toISOString() };
  const query = {
    ...place,
    next_by_subj: subject,
    batch: Math.min(PAGE_MESSAGES, most),
    max_bytes: PAGE_BYTES,
  };
  const answers = await nc.requestMany(
    `$JS.API.DIRECT.GET.${stream}`,
    new TextEncoder().encode(JSON.stringify(query)),
    { strategy: RequestStrategy.SentinelMsg, maxWait: answerMs },
  );
  const page: Msg[] = [];
  for await (const answer of answers) page.push(answer);
  const end = page.find((answer) => !isStored(answer));
  return {
    messages: page.filter(isStored).map(storedMessage),
    isLast: end !== undefined && isLastPage(end, stream),
  };
}

/** When the first message of a filter at or after a place was stored; undefined when there is none. */
export async function storedMsFrom(
  connection: Connection,
  stream: string,
  filter: string,
  seq: number,
): Promise<number | undefined> {
  for await (const { storedAt } of storedMessages(connection, stream, filter, { seq }, 1))
    return Date.parse(storedAt);
  return undefined;
}

/** Which message of a stream to read: at a place, the last of a subject, or the first of a subject since a time. */
export type StoredAt =
  | { readonly seq: number }
  | { readonly last_by_subj: string }
  | { readonly start_time: string; readonly next_by_subj: string };

/** One message of a stream; undefined when there is none. Rejects with `unavailable`. */
export async function storedMessageAt(
  { nc }: Connection,
  stream: string,
  at: StoredAt,
): Promise<StoredMessage | undefined> {
  let answer: Msg;
  try {
    answer = await nc.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(at), { timeout: ANSWER_MS });
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", `stream ${stream} does not answer`);
  }
  if (isStored(answer)) return storedMessage(answer);
  const { code = 0, description = "" } = answer.headers ?? {};
  if (code === 404) return undefined;
  throw new MeshError("unavailable", `stream ${stream}: ${description} (${code})`);
}

/** The first line of headers without a status. */
const NO_STATUS = "NATS/1.0\r\n";

/** Whether it is a message, and not the status that ends a page. Headers are not parsed: that takes longest. */
function isStored(msg: Msg): boolean {
  const head = headOf(msg);
  if (head !== undefined)
    return (
      head.toString("latin1", 0, NO_STATUS.length) === NO_STATUS && serverHeader(msg, "Nats-Sequence") !== ""
    );
  const { headers } = msg;
  return headers !== undefined && headers.code === 0 && headers.has("Nats-Sequence");
}

function storedMessage(msg: Msg): StoredMessage {
  return {
    subject: serverHeader(msg, "Nats-Subject"),
    seq: Number(serverHeader(msg, "Nats-Sequence")),
    storedAt: serverHeader(msg, "Nats-Time-Stamp"),
    headers: headersOfMsg(msg),
    body: msg.data,
  };
}

function isLastPage({ headers }: Msg, stream: string): boolean {
  const { code = 0, description = "" } = headers ?? {};
  if (code === 404) return true;
  if (code !== 204) throw new MeshError("unavailable", `stream ${stream}: ${description} (${code})`);
  return Number(headers?.get("Nats-Num-Pending")) === 0;
}
