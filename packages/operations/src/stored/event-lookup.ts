import { MeshError } from "@adaos/core";
import { eventsStream, letterIdOf, type ProcessingRecord } from "@adaos/core/wire";
import type { ServerLayout } from "@adaos/provision";
import { type DeadLetterSummary, deadLetters, summaryOf } from "../dead-letters/dead-letters.ts";
import { withServers } from "../hubs.ts";
import { CLOCK_SKEW_MS, eventAt, findStored, type LyingEvent, timeOfEventId } from "./find-stored.ts";
import { processingRecords, recordsOfEvent } from "./processing-records.ts";

/** Everything that the mesh still knows of one event. */
export interface KnownEvent {
  readonly event_id: string;
  /** `null` when no stream holds it any more. */
  readonly event: LyingEvent | null;
  /** One for each durable that failed at least once. */
  readonly records: readonly ProcessingRecord[];
  readonly dead_letters: readonly DeadLetterSummary[];
}

/**
 * Finds what is known of an event id or a dead letter id, in every subnet. Rejects with `usage` when it is nothing.
 * Where no failure tells the event's place, the streams are looked through from the time in its id on.
 */
export async function lookUpEvent(hubs: readonly ServerLayout[], id: string): Promise<KnownEvent> {
  const eventId = id.startsWith("DLQ-") ? await eventOfDeadLetter(hubs, id) : id;
  const records: ProcessingRecord[] = [];
  const letters: DeadLetterSummary[] = [];
  await withServers(hubs, async (hub) => {
    for await (const record of recordsOfEvent(hub, eventId)) records.push(record);
    for await (const letter of deadLetters(hub)) {
      if (letter.entry.event_id === eventId || letter.entry.dead_letter_id === id)
        letters.push(summaryOf(letter));
    }
  });
  const event =
    (await atKnownPlace(hubs, eventId, [...records, ...letters])) ?? (await search(hubs, eventId));
  if (event === undefined && records.length === 0 && letters.length === 0) {
    throw new MeshError("usage", `nothing is known of ${JSON.stringify(id)}`);
  }
  return { event_id: eventId, event: event ?? null, records, dead_letters: letters };
}

/** The event of a dead letter; of one that is gone already, its record tells. */
async function eventOfDeadLetter(hubs: readonly ServerLayout[], id: string): Promise<string> {
  let eventId: string | undefined;
  await withServers(hubs, async (hub) => {
    if (eventId !== undefined) return;
    for await (const { entry } of deadLetters(hub)) if (entry.dead_letter_id === id) eventId = entry.event_id;
    if (eventId !== undefined) return;
    for await (const record of processingRecords(hub))
      if (letterIdOf(record) === id) eventId = record.event_id;
  });
  if (eventId === undefined) throw new MeshError("usage", `nothing is known of ${JSON.stringify(id)}`);
  return eventId;
}

async function atKnownPlace(
  hubs: readonly ServerLayout[],
  eventId: string,
  places: readonly { readonly stream: string; readonly seq: number }[],
): Promise<LyingEvent | undefined> {
  let found: LyingEvent | undefined;
  for (const { stream, seq } of places) {
    const holders = hubs.filter(({ of }) => found === undefined && eventsStream(of) === stream);
    await withServers(holders, async (hub) => {
      const event = await eventAt(hub, stream, seq);
      // A stream that was made anew counts from 1 again.
      if (event?.envelope.event_id === eventId) found = event;
    });
  }
  return found;
}

async function search(hubs: readonly ServerLayout[], eventId: string): Promise<LyingEvent | undefined> {
  const sinceMs = timeOfEventId(eventId);
  if (sinceMs === undefined) return undefined;
  const since = new Date(sinceMs - CLOCK_SKEW_MS);
  let found: LyingEvent | undefined;
  await withServers(hubs, async (hub) => {
    found ??= await findStored(hub, eventsStream(hub.of), eventId, { since });
  });
  return found;
}
