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

const PAGE_MESSAGES = 1000;
const ANSWER_MS = 10_000;

/** The last message of each of these subjects, oldest first and without a byte of any body, a page at a time. */
export async function* storedHeaders(
  { connection, jsm }: OpenServer,
  stream: string,
  lastOf: string,
): AsyncGenerator<StoredHeader> {
  const { name, num_pending } = await jsm.consumers.add(stream, consumerConfig(lastOf));
  try {
    const consumer = await connection.nc.jetstream().consumers.get(stream, name);
    // What is stored meanwhile is not waited for.
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
    // It would go by itself; who looks often should not leave many behind.
    await jsm.consumers.delete(stream, name).catch(() => undefined);
  }
}

function consumerConfig(lastOf: string): Partial<ConsumerConfig> {
  return {
    ack_policy: AckPolicy.None,
    headers_only: true,
    mem_storage: true,
    inactive_threshold: 30e9,
    deliver_policy: DeliverPolicy.LastPerSubject,
    filter_subject: lastOf,
  };
}

function headerOf({ headers, subject, seq, info }: JsMsg): StoredHeader {
  const storedAt = new Date(info.timestampNanos / 1e6).toISOString();
  return { id: eventIdWithin(headers?.get("Nats-Msg-Id") ?? ""), subject, seq, storedAt };
}
