import type { NatsConnection } from "nats";
import { askSystem } from "./ask-system.ts";

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
  const { data } = await askSystem<Jsz>(system, "$SYS.REQ.SERVER.PING.JSZ", query, answerMs);
  const streams = (data?.account_details ?? []).flatMap(({ stream_detail = [] }) => stream_detail);
  return streams.flatMap(({ name: stream, consumer_detail = [] }) =>
    consumer_detail.map(({ name, num_pending }) => ({ stream, consumer: name, pending: num_pending })),
  );
}
