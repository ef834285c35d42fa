import { MeshError } from "@adaos/core";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import type { ServerLayout } from "@adaos/provision";
import { storedMessages } from "@adaos/transport-nats";
import { type AwayServer, type OpenServer, withAnswering } from "../hubs.ts";
import { eventConsumers, streamAt } from "../standing/event-consumer.ts";
import { failuresAt } from "../standing/failures-at.ts";
import { findAnywhere } from "../standing/find-anywhere.ts";
import { CLOCK_SKEW_MS, timeOfEventId } from "../stored/find-stored.ts";
import { headSchema, parseStored, publishedAt } from "../stored/parse-stored.ts";
import { originOf } from "./assemble-trace.ts";
import type { Sighting, TraceFacts } from "./trace.ts";

/** The facts of a trace that could be gathered, and the servers that could not be asked. */
export interface GatheredTrace extends TraceFacts {
  /** Servers that do not answer; their part of the trace is missing. */
  readonly away: readonly AwayServer[];
  /** The streams hold more messages of the trace than were read. */
  readonly isCut: boolean;
}

/** The maximum of one trace's messages that are read from each stream. */
const MAX_SIGHTINGS = 5000;
/** Events whose failures are asked for at the same time; a hub answers each within a millisecond or two. */
const MAX_ASKED = 32;

/**
 * Everything that the streams of these servers hold of the trace that an event belongs to, or of a correlation id.
 * Each stream is read from the time in the id on, or from `sinceMs`. Rejects with `usage` when nothing is known of it,
 * with `unavailable` when a server that does not answer may know it.
 */
export function gatherTrace(
  servers: readonly ServerLayout[],
  id: string,
  sinceMs: number,
): Promise<GatheredTrace> {
  return withAnswering(servers, async (open, away) => {
    const event = await findAnywhere(open, id);
    const told: unknown = event?.envelope.correlation_id;
    const correlationId = typeof told === "string" ? told : id;
    // A trace begins with the event whose id its others bear, unless its publisher has chosen another.
    const beganMs = timeOfEventId(correlationId);
    const since = new Date(beganMs === undefined ? sinceMs : beganMs - CLOCK_SKEW_MS);
    const found = await Promise.all(open.map((server) => sightingsAt(server, correlationId, since)));
    const sightings = found.flat();
    if (sightings.length === 0) throw nothingKnown(id, away);
    const consumers = (await Promise.all(open.map(eventConsumers))).flat();
    const isCut = found.some(({ length }) => length >= MAX_SIGHTINGS);
    return { correlationId, sightings, consumers, away, isCut };
  });
}

function nothingKnown(id: string, away: readonly AwayServer[]): MeshError {
  const missing = away.map(({ of }) => `; ${of} does not answer`).join("");
  const code = missing === "" ? "usage" : "unavailable";
  return new MeshError(code, `no stream holds an event of ${JSON.stringify(id)}${missing}`);
}

async function sightingsAt(server: OpenServer, correlationId: string, since: Date): Promise<Sighting[]> {
  const { of, connection } = server;
  const stream = streamAt(of);
  // To look for the bytes costs a tenth of reading each envelope.
  const wanted = Buffer.from(JSON.stringify(correlationId));
  const found: Sighting[] = [];
  for await (const message of storedMessages(connection, stream, ">", { time: since })) {
    const { body, seq, subject, storedAt } = message;
    if (Buffer.from(body.buffer, body.byteOffset, body.byteLength).indexOf(wanted) === -1) continue;
    const envelope = parseStored(message, headSchema);
    // Servers store whatever they are sent.
    if (envelope?.correlation_id !== correlationId || originOf(subject) === undefined) continue;
    const ts = publishedAt(envelope.ts, storedAt);
    found.push({ of, stream, seq, subject, storedAt, envelope: { ...envelope, ts } });
    if (found.length >= MAX_SIGHTINGS) break;
  }
  return of === ROOT_DOMAIN ? found : withFailures(server, found);
}

async function withFailures(hub: OpenServer, sightings: readonly Sighting[]): Promise<Sighting[]> {
  const found: Sighting[] = [];
  for (let i = 0; i < sightings.length; i += MAX_ASKED) {
    const some = sightings.slice(i, i + MAX_ASKED).map(async (sighting) => {
      const failures = await failuresAt(hub, sighting.envelope.event_id, sighting.seq);
      return { ...sighting, failures };
    });
    found.push(...(await Promise.all(some)));
  }
  return found;
}
