import type { Documents } from "@adaos/core/wire";
import type { Skip, SkipCause } from "../engine/state.ts";

/** What did not run, of about a second; the newest in full. */
export interface SkipRecord {
  readonly v: 1;
  readonly scenario: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly counts: Readonly<Partial<Record<SkipCause, number>>>;
  readonly newest: readonly Skip[];
}

const MAX_NEWEST = 20;
const MAX_BYTES = 256 * 1024;
/** Events that a condition refuses may be a thousand a second: each costs a count, not a write. */
const EVERY_MS = 1000;

/** Records what did not run, once a second at most. What the last second has skipped is lost with a killed process. */
export class SkipLog {
  readonly #documents: Documents;
  readonly #scenario: string;
  readonly #onFailed: (err: unknown) => void;
  #newest: Skip[] = [];
  #counts: Partial<Record<SkipCause, number>> = {};
  #fromMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #no = 0;

  constructor(documents: Documents, scenario: string, onFailed: (err: unknown) => void) {
    this.#documents = documents;
    this.#scenario = scenario;
    this.#onFailed = onFailed;
  }

  add(skip: Skip): void {
    if (this.#timer === undefined) {
      this.#fromMs = skip.atMs;
      this.#timer = setTimeout(() => void this.flush(), EVERY_MS);
      this.#timer.unref();
    }
    this.#counts[skip.cause] = (this.#counts[skip.cause] ?? 0) + 1;
    this.#newest.push(skip);
    if (this.#newest.length > MAX_NEWEST) this.#newest.shift();
  }

  /** Never rejects: a record that cannot be stored is reported and left. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const last = this.#newest.at(-1);
    if (last === undefined) return;
    const counts = this.#counts;
    let newest: readonly Skip[] = this.#newest;
    this.#newest = [];
    this.#counts = {};
    const record = { v: 1, scenario: this.#scenario, fromMs: this.#fromMs, toMs: last.atMs, counts } as const;
    let text = JSON.stringify({ ...record, newest });
    while (newest.length > 1 && Buffer.byteLength(text) > MAX_BYTES) {
      newest = newest.slice(1);
      text = JSON.stringify({ ...record, newest } satisfies SkipRecord);
    }
    try {
      await this.#documents.record(
        this.#scenario,
        "skipped",
        `${last.atMs}-${this.#no++}-${process.pid}`,
        text,
      );
    } catch (err) {
      this.#onFailed(err);
    }
  }
}
