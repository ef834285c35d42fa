import type { DeadLetter, FailureJournal, ProcessingRecord, RecordedEvent } from "@adaos/core/wire";

/** Largest number of dead letters, and of records; the oldest are dropped. */
const MAX_KEPT = 10_000;

/** Keeps dead letters and records in this process's memory, for example for tests. */
export class LocalJournal implements FailureJournal {
  readonly parking = undefined;
  readonly #deadLetters = new Map<string, DeadLetter>();
  readonly #records = new Map<string, ProcessingRecord>();

  get deadLetters(): readonly DeadLetter[] {
    return [...this.#deadLetters.values()];
  }

  async storeDeadLetter(entry: DeadLetter): Promise<void> {
    if (this.#deadLetters.has(entry.dead_letter_id)) return;
    keep(this.#deadLetters, entry.dead_letter_id, entry);
  }

  async record(record: ProcessingRecord): Promise<void> {
    const key = keyOf(record.durable, record);
    this.#records.delete(key);
    keep(this.#records, key, record);
  }

  async lastRecord(durable: string, event: RecordedEvent): Promise<ProcessingRecord | undefined> {
    return this.#records.get(keyOf(durable, event));
  }
}

function keyOf(durable: string, { event_id, seq }: RecordedEvent): string {
  return `${durable} ${seq} ${event_id}`;
}

function keep<T>(kept: Map<string, T>, key: string, value: T): void {
  kept.set(key, value);
  if (kept.size <= MAX_KEPT) return;
  for (const oldest of kept.keys()) {
    kept.delete(oldest);
    return;
  }
}
