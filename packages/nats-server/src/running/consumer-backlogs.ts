import type { NatsConnection } from "nats";
import { askServer } from "./ask-system.ts";

/** Number of messages of a stream that were not delivered to a consumer yet. */
export interface ConsumerBacklog {
  readonly stream: string;
  readonly consumer: string;
  readonly pending: number;
}

interface Jsz {
  readonly data?: {
    readonly account_details?: readonly {
      readonly stream_detail?: readonly {
        readonly name: string;
        /** Of a stream that several servers keep. */
        readonly cluster?: { readonly leader?: string };
        readonly consumer_detail?: readonly { readonly name: string; readonly num_pending: number }[];
      }[];
    }[];
  };
}

/**
 * The backlog of every consumer of the server that this system-account connection leads to. Rejects with `unavailable`.
 */
export async function consumerBacklogs(system: NatsConnection, answerMs: number): Promise<ConsumerBacklog[]> {
  const query = { accounts: true, streams: true, consumer: true };
  const { data } = await askServer<Jsz>(system, "JSZ", query, answerMs);
  const streams = (data?.account_details ?? []).flatMap(({ stream_detail = [] }) => stream_detail);
  return streams.flatMap(({ name: stream, consumer_detail = [] }) =>
    consumer_detail.map(({ name, num_pending }) => ({ stream, consumer: name, pending: num_pending })),
  );
}

/**
 * The server of its cluster that leads a stream, as far as the server that this system-account connection leads to
 * knows; undefined while none does. Rejects with `unavailable`.
 */
export async function streamLeader(
  system: NatsConnection,
  stream: string,
  answerMs: number,
): Promise<string | undefined> {
  const { data } = await askServer<Jsz>(system, "JSZ", { accounts: true, streams: true }, answerMs);
  const details = (data?.account_details ?? []).flatMap(({ stream_detail = [] }) => stream_detail);
  const leader = details.find(({ name }) => name === stream)?.cluster?.leader;
  return leader === "" ? undefined : leader;
}
