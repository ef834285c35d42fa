import type { FailureCategory } from "@adaos/core/wire";
import {
  type DeadLetter,
  type ProcessingRecord,
  type ProcessingStatus,
  UNKNOWN_EVENT_RULE,
} from "@adaos/core/wire";

/** The newest failure, small enough for one line. */
export interface NewestFailure {
  readonly event_id: string;
  readonly timestamp: string;
  readonly event_type: string;
  readonly node: string;
  readonly durable: string;
  readonly status: ProcessingStatus;
  readonly category: string;
  readonly message: string;
}

export interface CountedFailures {
  /** Processing records by status; `success` is one after a retry. */
  readonly records: Readonly<Record<"retrying" | "success" | "failed" | "dead_letter", number>>;
  readonly dead_letters: Readonly<Record<FailureCategory, number>>;
  /** Waits of durables for the schema of an event, which count nowhere else. */
  readonly parked: number;
  /** The events that they wait for; two durables may wait for one. */
  readonly parked_events: number;
  /** Dead letters that another attempt may cure. */
  readonly retry_candidates: { readonly transient: number; readonly unknown: number };
  readonly newest_failure: NewestFailure | null;
}

/** Counts failures one by one, so that none has to be kept. Does no I/O. */
export class FailureCounts {
  readonly #records = { retrying: 0, success: 0, failed: 0, dead_letter: 0 };
  readonly #letters = { transient: 0, permanent: 0, unknown: 0 };
  #parked = 0;
  readonly #parkedEvents = new Set<string>();
  #newest: NewestFailure | null = null;

  addRecord(record: ProcessingRecord): void {
    if (Object.hasOwn(this.#records, record.status)) {
      this.#records[record.status as keyof CountedFailures["records"]]++;
    }
    if (record.error_info === undefined || record.status === "success") return;
    const { event_id, timestamp, event_type, node, durable, status } = record;
    const { category, message } = record.error_info;
    this.#see({ event_id, timestamp, event_type, node, durable, status, category, message });
  }

  addDeadLetter({ category, ...entry }: DeadLetter): void {
    if (entry.rule === UNKNOWN_EVENT_RULE) {
      this.addParked(`${entry.stream} ${entry.seq}`);
      return;
    }
    if (Object.hasOwn(this.#letters, category)) this.#letters[category]++;
    const { event_id, at: timestamp, event_name: event_type, node, durable, error } = entry;
    const status = category === "permanent" ? "failed" : "dead_letter";
    this.#see({
      event_id,
      timestamp,
      event_type,
      node,
      durable,
      status,
      category,
      message: error?.message ?? "",
    });
  }

  /** @param event Names the event that a durable waits for. */
  addParked(event: string): void {
    this.#parked++;
    this.#parkedEvents.add(event);
  }

  counted(): CountedFailures {
    const { transient, unknown } = this.#letters;
    return {
      records: { ...this.#records },
      dead_letters: { ...this.#letters },
      parked: this.#parked,
      parked_events: this.#parkedEvents.size,
      retry_candidates: { transient, unknown },
      newest_failure: this.#newest,
    };
  }

  #see(failure: NewestFailure): void {
    // Both are written as UTC with milliseconds, which sort as text.
    if (this.#newest === null || failure.timestamp > this.#newest.timestamp) this.#newest = failure;
  }
}
