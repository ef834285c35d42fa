import {
  PROCESSING_ROOT,
  type ProcessingRecord,
  processingStream,
  recordsOfEventFilter,
} from "@adaos/core/wire";
import { storedMessages } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { type FailureFilter, filterSubject, isOfEvent } from "./failure-filter.ts";
import { parseStored, recordSchema } from "./parse-stored.ts";

/** The processing records of one subnet, those that were written last at the end. */
export async function* processingRecords(
  server: OpenServer,
  filter: FailureFilter = {},
): AsyncGenerator<ProcessingRecord> {
  const handlers = filterSubject(PROCESSING_ROOT, server.of, filter);
  if (handlers === undefined) return;
  yield* recordsOf(server, `${handlers}.>`, filter);
}

/** The records of one event, of each durable of one subnet. */
export async function* recordsOfEvent(server: OpenServer, eventId: string): AsyncGenerator<ProcessingRecord> {
  yield* recordsOf(server, recordsOfEventFilter(server.of, eventId), {});
}

async function* recordsOf(
  server: OpenServer,
  subject: string,
  filter: FailureFilter,
): AsyncGenerator<ProcessingRecord> {
  for await (const message of storedMessages(server.connection, processingStream(server.of), subject)) {
    const record = parseStored(message, recordSchema);
    if (record === undefined || !isOfEvent(filter, record.event_type)) continue;
    if (filter.category === undefined || record.error_info?.category === filter.category) yield record;
  }
}
