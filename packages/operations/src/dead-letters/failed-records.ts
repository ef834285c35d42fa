import { letterIdOf, type ProcessingRecord } from "@adaos/core/wire";
import type { OpenServer } from "../hubs.ts";
import type { FailureFilter } from "../stored/failure-filter.ts";
import { processingRecords } from "../stored/processing-records.ts";
import { readReplays, type StoredReplays } from "./replayed-letters.ts";

/** What a handler has failed for good, and the replays of its dead letter. */
export interface FailedRecord {
  readonly record: ProcessingRecord;
  /** Event ids of its replays, oldest first; the result of each is a separate record. */
  readonly replays: readonly string[];
}

/**
 * The failures of one subnet, those that were recorded last at the end, dead letters that were replayed or deleted
 * included.
 * @param tag Runs with this tag, in any state, instead.
 * @param each Called for every record, also for those that are passed over.
 */
export async function* failedRecords(
  hub: OpenServer,
  filter: FailureFilter,
  tag?: string,
  each?: (record: ProcessingRecord) => void,
): AsyncGenerator<FailedRecord> {
  let replays: StoredReplays | undefined;
  for await (const record of processingRecords(hub, filter)) {
    each?.(record);
    const isMeant = tag === undefined ? isFinal(record) : (record.tags ?? []).includes(tag);
    if (!isMeant) continue;
    replays ??= await readReplays(hub);
    yield { record, replays: replays.ofLetter(letterIdOf(record)) };
  }
}

function isFinal({ status }: ProcessingRecord): boolean {
  return status === "failed" || status === "dead_letter";
}
