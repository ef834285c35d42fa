import {
  deadLetterStream,
  deadLettersOfEventFilter,
  type ProcessingRecord,
  parkedStream,
  parkedWaitsAtFilter,
  parseParkedSubject,
} from "@adaos/core/wire";
import { storedMessages } from "@adaos/transport-nats";
import type { DeadLetterSummary } from "../dead-letters/dead-letters.ts";
import { ownLetter, summaryOf } from "../dead-letters/dead-letters.ts";
import type { OpenServer } from "../hubs.ts";
import { recordsOfEvent } from "../stored/processing-records.ts";

/** The failures of one event that the durables of one subnet have recorded. */
export interface FailuresAt {
  readonly records: readonly ProcessingRecord[];
  readonly letters: readonly DeadLetterSummary[];
  /** Durables that wait for its schema: `beta/desk/screen`. */
  readonly parked: readonly string[];
}

/**
 * The failures of the event at this place of a hub's stream: by their subjects, however many others there are. Rejects
 * with `unavailable` or `timeout`.
 */
export async function failuresAt(hub: OpenServer, eventId: string, seq: number): Promise<FailuresAt> {
  const [records, letters, parked] = await Promise.all([
    recordsAt(hub, eventId, seq),
    lettersAt(hub, eventId, seq),
    parkedAt(hub, seq),
  ]);
  return { records, letters, parked };
}

async function recordsAt(hub: OpenServer, eventId: string, seq: number): Promise<ProcessingRecord[]> {
  const found: ProcessingRecord[] = [];
  // Nodes choose the ids of their events, and two may choose the same.
  for await (const record of recordsOfEvent(hub, eventId)) if (record.seq === seq) found.push(record);
  return found;
}

async function lettersAt(hub: OpenServer, eventId: string, seq: number): Promise<DeadLetterSummary[]> {
  const { of, connection } = hub;
  const found: DeadLetterSummary[] = [];
  const filter = deadLettersOfEventFilter(of, eventId, seq);
  for await (const message of storedMessages(connection, deadLetterStream(of), filter)) {
    const letter = ownLetter(of, message);
    if (letter !== undefined) found.push(summaryOf(letter));
  }
  return found;
}

async function parkedAt({ of, connection }: OpenServer, seq: number): Promise<string[]> {
  const found: string[] = [];
  for await (const { subject } of storedMessages(connection, parkedStream(of), parkedWaitsAtFilter(seq))) {
    const told = parseParkedSubject(subject);
    if (told?.kind === "wait") found.push(`${of}/${told.node}/${told.durable}`);
  }
  return found;
}
