import type { Figure } from "@adaos/core/wire";
import type { NatsConnection } from "nats";
import { askServer } from "./ask-system.ts";
import { type LinkLag, type StreamDetail, type Varz, varzFigures } from "./server-figures.ts";

interface Jsz {
  readonly data?: {
    readonly account_details?: readonly { readonly stream_detail?: readonly StreamDetail[] }[];
  };
}

/** A server's figures about itself. Rejects with `unavailable`. */
export async function askVarz(system: NatsConnection, answerMs?: number): Promise<Varz> {
  return (await askServer<{ readonly data: Varz }>(system, "VARZ", undefined, answerMs)).data;
}

/** Number of a link's filters whose oldest event is read. */
const MAX_FILTERS = 16;

/**
 * A server's figures about itself, and all of its streams with their consumers: two requests, however many there are.
 * Rejects with `unavailable`.
 */
export async function askServerFigures(
  system: NatsConnection,
): Promise<{ readonly figures: readonly Figure[]; readonly streams: readonly StreamDetail[] }> {
  const [varz, streams] = await Promise.all([askVarz(system), askStreams(system)]);
  return { figures: varzFigures(varz), streams };
}

/** All streams of a server with their consumers. Rejects with `unavailable`. */
export async function askStreams(
  system: NatsConnection,
  answerMs?: number,
): Promise<readonly StreamDetail[]> {
  const query = { accounts: true, streams: true, consumer: true, config: true };
  const { data } = await askServer<Jsz>(system, "JSZ", query, answerMs);
  return (data?.account_details ?? []).flatMap(({ stream_detail = [] }) => stream_detail);
}

/** Storage time of the first message at or after a place that matches a filter; undefined when there is none. */
export type StoredMsFrom = (stream: string, filter: string, seq: number) => Promise<number | undefined>;

/** The lag of links. Reads the oldest event only for a link that lags. Rejects as `storedMs` does. */
export async function lagFigures(
  lags: readonly LinkLag[],
  storedMs: StoredMsFrom,
): Promise<readonly Figure[]> {
  const figures = lags.map(async (lag): Promise<Figure[]> => {
    const { labels, events } = lag;
    const seconds = events === 0 ? 0 : await ageOf(lag, storedMs);
    return [
      { metric: "linkLagEvents", labels, value: events },
      { metric: "linkLagSeconds", labels, value: seconds },
    ];
  });
  return (await Promise.all(figures)).flat();
}

async function ageOf({ stream, filters, fromSeq }: LinkLag, storedMs: StoredMsFrom): Promise<number> {
  const asked = filters.slice(0, MAX_FILTERS).map((filter) => storedMs(stream, filter, fromSeq));
  const found = (await Promise.all(asked)).filter((ms) => ms !== undefined);
  return found.length === 0 ? 0 : Math.max(0, Date.now() - Math.min(...found)) / 1000;
}
