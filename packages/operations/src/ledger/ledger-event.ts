import {
  EVENT_ROOT,
  effectKey,
  eventsStream,
  isEventSubject,
  parseSubject,
  subjectsOf,
} from "@adaos/core/wire";
import { storedMessages } from "@adaos/transport-nats";
import { z } from "zod";
import type { OpenServer } from "../hubs.ts";
import { parseStored } from "../stored/parse-stored.ts";

/** An event in the stream of a hub. */
export interface LedgerEvent {
  readonly id: string;
  readonly subject: string;
  readonly seq: number;
  readonly storedMs: number;
  /** Names its effect; undefined when it is not an envelope, so that no handler has run. */
  readonly key: string | undefined;
}

/** As much of an envelope as names its effect. */
const namedSchema = z.looseObject({
  event_id: z.string().max(200),
  tenant: z.string().max(200),
  headers: z.record(z.string(), z.string()),
});

/** The same event in several streams has one of these. Pure. */
export function ledgerKey({ id, subject }: Pick<LedgerEvent, "id" | "subject">): string {
  return `${subject} ${id}`;
}

/**
 * The events of one origin that a hub has stored since a time, oldest first. Rejects with `timeout`.
 * @param most Of them, at most.
 */
export async function* eventsOf(
  { of, connection }: OpenServer,
  origin: string,
  since: Date,
  most: number,
): AsyncGenerator<LedgerEvent> {
  const filter = subjectsOf(EVENT_ROOT, origin);
  for await (const message of storedMessages(connection, eventsStream(of), filter, { time: since }, most)) {
    const { subject, seq, storedAt } = message;
    if (!isEventSubject(subject)) continue;
    const envelope = parseStored(message, namedSchema);
    const storedMs = Date.parse(storedAt);
    if (envelope === undefined) yield { id: "", subject, seq, storedMs, key: undefined };
    else yield { id: envelope.event_id, subject, seq, storedMs, key: keyOf(envelope, subject) };
  }
}

function keyOf(envelope: z.infer<typeof namedSchema>, subject: string): string | undefined {
  try {
    return effectKey(envelope, parseSubject(subject));
  } catch {
    // A server stores under whatever subject it is given.
    return undefined;
  }
}
