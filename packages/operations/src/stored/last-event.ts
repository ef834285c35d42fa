import { EVENT_ROOT, subjectsOf } from "@adaos/core/wire";
import { storedMessageAt } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { streamAt } from "../standing/event-consumer.ts";
import { envelopeSchema, parseStored } from "./parse-stored.ts";

/** When an event was made by its publisher's clock, and stored by the server's. Milliseconds since the epoch. */
export interface LastEvent {
  readonly id: string;
  readonly madeMs: number;
  readonly storedMs: number;
}

/**
 * The event that a node, or a subnet, has published last, of those that a server holds. Undefined when there is none,
 * or when its id contains no time. Rejects with `unavailable`.
 * @param origin `alpha/kitchen`, or `alpha`.
 */
export async function lastEventOf(
  { of, connection }: OpenServer,
  origin: string,
): Promise<LastEvent | undefined> {
  const last_by_subj = subjectsOf(EVENT_ROOT, ...origin.split("/"));
  const message = await storedMessageAt(connection, streamAt(of), { last_by_subj });
  const envelope = message === undefined ? undefined : parseStored(message, envelopeSchema);
  const [madeMs, storedMs] = [Date.parse(envelope?.ts ?? ""), Date.parse(message?.storedAt ?? "")];
  if (envelope === undefined || Number.isNaN(madeMs) || Number.isNaN(storedMs)) return undefined;
  return { id: envelope.event_id, madeMs, storedMs };
}
