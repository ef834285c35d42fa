import type { DeadLetter } from "./dead-letter.ts";
import type { GivenUpAlert } from "./given-up-alert.ts";
import type { ProcessingRecord } from "./processing-record.ts";

/** Events that one call of {@link EventParking.park} may name. */
export const MAX_PARKED_AT_ONCE = 256;

/**
 * Keeps what is known of failures, beside the events and never inside them. Durable, and shared by a node's processes.
 */
export interface FailureJournal {
  /** Resolves once stored; the same `dead_letter_id` is stored once. Rejects as `Transport.publish` does. */
  storeDeadLetter(entry: DeadLetter): Promise<void>;
  /** Stores the state of an event's handling, in place of its last record. Rejects likewise. */
  record(record: ProcessingRecord): Promise<void>;
  /**
   * The last record of this event at this durable of the node. The event's place in the stream is compared too: nodes
   * choose the ids of their events, and two may choose the same. Rejects with `unavailable`.
   */
  lastRecord(durable: string, event: RecordedEvent): Promise<ProcessingRecord | undefined>;
  /** Where events wait whose schema is not known yet; undefined where they become dead letters instead. */
  readonly parking: EventParking | undefined;
  /** Alerts a person to a given-up event. Never throws. Undefined: it is only logged. */
  alert?(alert: GivenUpAlert): void;
}

/** Keeps events of a node's durables until their schema is known. Durable, and shared by the node's processes. */
export interface EventParking {
  /**
   * Keeps events that were delivered to this durable, by their places in its stream; at most {@link MAX_PARKED_AT_ONCE}
   * at a time. Resolves once stored, with those for which there is no room. The same again stores nothing. Rejects with
   * `unavailable`, `denied` or `usage`.
   */
  park(durable: string, seqs: readonly number[]): Promise<ReadonlySet<number>>;
  /** Events of which some are parked for this durable. Rejects with `unavailable`. */
  parked(durable: string): Promise<readonly string[]>;
  /**
   * Delivers the parked events of one kind (`ui.notify@1`) to the durable again, oldest first, and removes them.
   * Resolves with their number. Rejects with `unavailable` or `backpressure`; the remaining events stay parked.
   */
  release(durable: string, event: string): Promise<number>;
}

/** The event that a processing record is of. */
export type RecordedEvent = Pick<ProcessingRecord, "event_id" | "seq">;
