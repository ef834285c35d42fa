import { MeshError } from "@adaos/core";
import { eventIdWithin } from "@adaos/transport-nats";
import { AckPolicy, type ConsumerConfig, DeliverPolicy, type JsMsg } from "nats";
import type { OpenServer } from "../hubs.ts";

/** A message as a stream holds it, without its body. */
export interface StoredHeader {
  /** The event id, as its writer has it. */
  readonly id: string;
  readonly subject: string;
  readonly seq: number;
  /** RFC 3339. */
  readonly storedAt: string;
}

/** Which messages: all since a time or those of one subject, or the last of each subject. */
export type HeaderQuery = { readonly since: Date; readonly subject?: string } | { readonly lastOf: string };

const PAGE_MESSAGES = 1000;
const ANSWER_MS = 10_000;

/** The messages of a stream, oldest first and without a byte of any body, a page at a time. */
export async function* storedHeaders(
  { connection, jsm }: OpenServer,
  stream: string,
  query: HeaderQuery,
): AsyncGenerator<StoredHeader> {
  const { name, num_pending } = await jsm.consumers.add(stream, consumerConfig(query));
  try {
    const consumer = await connection.nc.jetstream().consumers.get(stream, name);
    // The loop does not wait for messages that are stored meanwhile.
    for (let left = num_pending; left > 0; ) {
      let got = 0;
      const page = await consumer.fetch({ max_messages: Math.min(PAGE_MESSAGES, left), expires: ANSWER_MS });
      for await (const message of page) {
        got++;
        left = message.info.pending === 0 ? 0 : left - 1;
        yield headerOf(message);
      }
      if (got === 0) throw new MeshError("timeout", `stream ${stream} does not answer`);
    }
  } finally {
    // The server would remove it after a time, but frequent looks should not leave many behind.
    await jsm.consumers.delete(stream, name).catch(() => undefined);
  }
}

function consumerConfig(query: HeaderQuery): Partial<ConsumerConfig> {
  const start =
    "since" in query
      ? {
          deliver_policy: DeliverPolicy.StartTime,
          opt_start_time: query.since.toISOString(),
          ...(query.subject === undefined ? {} : { filter_subject: query.subject }),
        }
      : { deliver_policy: DeliverPolicy.LastPerSubject, filter_subject: query.lastOf };
  return {
    ack_policy: AckPolicy.None,
    headers_only: true,
    mem_storage: true,
    inactive_threshold: 30e9,
    ...start,
  };
}

function headerOf({ headers, subject, seq, info }: JsMsg): StoredHeader {
  const storedAt = new Date(info.timestampNanos / 1e6).toISOString();
  return { id: eventIdWithin(headers?.get("Nats-Msg-Id") ?? ""), subject, seq, storedAt };
}
