import type { Envelope } from "@adaos/core";
import { placesOfId } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { envelopeSchema, parseStored } from "./parse-stored.ts";

/** An event where it lies. */
export interface LyingEvent {
  readonly stream: string;
  readonly seq: number;
  readonly subject: string;
  /** RFC 3339. */
  readonly stored_at: string;
  readonly envelope: Envelope;
}

/** Where to look for an event. */
export interface Search {
  readonly since: Date;
  /** No further than to ids that were made later. @default up to the end */
  readonly madeUntilMs?: number;
  /** @default every subject */
  readonly subjects?: readonly string[];
  /** Whether another search has found it. */
  readonly isOver?: () => boolean;
}

/** Clocks differ: an event may be stored before the time in its id. */
export const CLOCK_SKEW_MS = 60_000;

/** The first event of this id in a stream. Reads heads alone until it has found it. Rejects with `timeout`. */
export async function findStored(
  server: OpenServer,
  stream: string,
  id: string,
  { madeUntilMs = Number.POSITIVE_INFINITY, ...where }: Search,
): Promise<LyingEvent | undefined> {
  const isBeyond = (eventId: string): boolean => (timeOfEventId(eventId) ?? 0) > madeUntilMs;
  for await (const seq of placesOfId(server.connection, server.jsm, stream, id, { ...where, isBeyond })) {
    const event = await eventAt(server, stream, seq);
    // A writer may call its message as it likes.
    if (event?.envelope.event_id === id) return event;
  }
  return undefined;
}

/** The event at a place; undefined when there is none, or when it cannot be read. */
export async function eventAt(
  { jsm }: OpenServer,
  stream: string,
  seq: number,
): Promise<LyingEvent | undefined> {
  const message = await jsm.streams.getMessage(stream, { seq }).catch(() => undefined);
  if (message === undefined) return undefined;
  const { subject, timestamp: storedAt, data: body } = message;
  const envelope = parseStored({ body }, envelopeSchema);
  return envelope === undefined ? undefined : { stream, seq, subject, stored_at: storedAt, envelope };
}

/** When an event id was made, to the second, milliseconds since the epoch. Pure. */
export function timeOfEventId(id: string): number | undefined {
  const [, y, mo, d, h, mi, s] = /^EVT-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-[0-9a-f]{6,32}$/.exec(id) ?? [];
  const ms = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
