import { MeshError } from "@adaos/core";
import { eventsStream, letterIdOf, type ProcessingRecord } from "@adaos/core/wire";
import type { ServerLayout } from "@adaos/provision";
import { type DeadLetterSummary, deadLetters, summaryOf } from "../dead-letters/dead-letters.ts";
import { type AwayServer, type OpenServer, withAnswering } from "../hubs.ts";
import type { EventMask } from "../mask/event-mask.ts";
import { findAnywhere } from "../standing/find-anywhere.ts";
import { eventAt, type LyingEvent } from "./find-stored.ts";
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

/** The known facts of an event, and the hubs that were not asked. */
export interface LookedUp {
  readonly known: KnownEvent;
  readonly away: readonly AwayServer[];
}

/**
 * Finds what is known of an event id or a dead letter id, at every hub that answers. Rejects with `usage` when it is
 * nothing, and with `unavailable` when none answers.
 */
export function lookUpEvent(hubs: readonly ServerLayout[], id: string): Promise<LookedUp> {
  return withAnswering(hubs, async (open, away) => {
    const [first] = away;
    if (open.length === 0 && first !== undefined) throw first.error;
    return { known: await lookUp(open, id), away };
  });
}

/** The known facts as they may be shown. */
export function maskKnown(known: KnownEvent, mask: Pick<EventMask, "envelope">): KnownEvent {
  const { event } = known;
  if (event === null) return known;
  return { ...known, event: { ...event, envelope: mask.envelope(event.envelope, event.subject) } };
}

async function lookUp(hubs: readonly OpenServer[], id: string): Promise<KnownEvent> {
  const eventId = id.startsWith("DLQ-") ? await eventOfDeadLetter(hubs, id) : id;
  const records: ProcessingRecord[] = [];
  const letters: DeadLetterSummary[] = [];
  for (const hub of hubs) {
    for await (const record of recordsOfEvent(hub, eventId)) records.push(record);
    for await (const letter of deadLetters(hub)) {
      if (letter.entry.event_id === eventId || letter.entry.dead_letter_id === id)
        letters.push(summaryOf(letter));
    }
  }
  const event =
    (await atKnownPlace(hubs, eventId, [...records, ...letters])) ?? (await search(hubs, eventId));
  if (event === undefined && records.length === 0 && letters.length === 0) {
    throw new MeshError("usage", `nothing is known of ${JSON.stringify(id)}`);
  }
  return { event_id: eventId, event: event ?? null, records, dead_letters: letters };
}

/** The event of a dead letter. If the letter is gone already, its processing record names the event. */
async function eventOfDeadLetter(hubs: readonly OpenServer[], id: string): Promise<string> {
  for (const hub of hubs) {
    for await (const { entry } of deadLetters(hub)) if (entry.dead_letter_id === id) return entry.event_id;
    for await (const record of processingRecords(hub)) if (letterIdOf(record) === id) return record.event_id;
  }
  throw new MeshError("usage", `nothing is known of ${JSON.stringify(id)}`);
}

async function atKnownPlace(
  hubs: readonly OpenServer[],
  eventId: string,
  places: readonly { readonly stream: string; readonly seq: number }[],
): Promise<LyingEvent | undefined> {
  for (const { stream, seq } of places) {
    const hub = hubs.find(({ of }) => eventsStream(of) === stream);
    const event = hub === undefined ? undefined : await eventAt(hub, stream, seq);
    // A stream that was made anew counts from 1 again.
    if (event?.envelope.event_id === eventId) return event;
  }
  return undefined;
}

async function search(hubs: readonly OpenServer[], eventId: string): Promise<LyingEvent | undefined> {
  const found = await findAnywhere(hubs, eventId);
  if (found === undefined) return undefined;
  const { of: _, ...event } = found;
  return event;
}
