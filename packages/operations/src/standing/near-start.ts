import { type StoredMessage, storedMessageAt } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { envelopeSchema, parseStored } from "../stored/parse-stored.ts";

/** Nearer than this it is not worth another question. */
const NEAR_MS = 50;
/** Enough for ten years, to the nearest 50 ms. */
const MAX_PROBES = 40;

/**
 * About when a stream stored the first event of this subject that bears this time or a later one: by halves, as events
 * of one subject lie in the order in which they were published, but for what an outbox or a second process has mixed.
 * Rejects with `unavailable`.
 */
export async function nearStart(
  { jsm, connection }: OpenServer,
  stream: string,
  subject: string,
  wantedMs: number,
): Promise<Date> {
  const { state } = await jsm.streams.info(stream);
  let fromMs = Date.parse(String(state.first_ts)) || 0;
  let toMs = Date.parse(String(state.last_ts)) || 0;
  for (let probes = 0; toMs - fromMs > NEAR_MS && probes < MAX_PROBES; probes++) {
    const middleMs = fromMs + (toMs - fromMs) / 2;
    const at = { start_time: new Date(middleMs).toISOString(), next_by_subj: subject };
    const found = await storedMessageAt(connection, stream, at);
    if (found !== undefined && bornMs(found) < wantedMs) fromMs = middleMs;
    else toMs = middleMs;
  }
  return new Date(fromMs);
}

function bornMs(message: StoredMessage): number {
  const ts = parseStored(message, envelopeSchema)?.ts;
  return Date.parse(ts ?? "") || Date.parse(message.storedAt);
}
