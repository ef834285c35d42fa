/** What a write holds at most on a line that carries it quickly. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Over a line that nobody knows yet: 8 kB/s carry it before the client takes its server for gone. */
const FIRST_BYTES = 64 * 1024;
/** The slowest line that is of use, 8 kB/s, carries it in a second. */
const MIN_BYTES = 8 * 1024;
/** A server that does not answer for so long is taken not to answer any more, unless the line is known to be slow. */
const LEAST_WAIT_MS = 2500;
const MAX_WAIT_MS = 30_000;
/** How much longer than expected an answer may take. */
const PATIENCE = 3;
/** An answer shall take so long, or a few round trips: less wastes the line, more makes everything else wait. */
const LEAST_TARGET_MS = 1000;
const MAX_TARGET_MS = 5000;
const TARGET_ROUND_TRIPS = 7;
/** Two writes of which one is so much larger tell apart what a round trip takes and what a byte takes. */
const UNLIKE = 1.25;

/**
 * How much goes into one write, and how long its answer may take, by what the answers before have told of the line:
 * halved when one does not come, doubled while they come soon. Pure but for its memory.
 */
export class LineWindow {
  #bytes = FIRST_BYTES;
  /** Nothing until two writes have told it from the rest of an answer's time. */
  #roundTripMs: number | undefined;
  #msPerByte = 0;
  #last = { bytes: 0, tookMs: 0 };
  /** Doubled for each answer in a row that has not come. */
  #doubt = 1;

  readonly #maxTargetMs: number;

  /** @param maxTargetMs An answer shall take no longer, whatever a round trip takes. @default 5000 */
  constructor(maxTargetMs: number = MAX_TARGET_MS) {
    this.#maxTargetMs = maxTargetMs;
  }

  /** What the next write may hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many of the first go into the next write: one at least, however large it is. */
  fit(sizes: Iterable<number>): number {
    let [count, total] = [0, 0];
    for (const bytes of sizes) {
      total += bytes;
      if (count > 0 && total > this.#bytes) break;
      count++;
    }
    return count;
  }

  /**
   * How long to wait for the answer to a write of so many bytes.
   * @param leftMs After this nobody asks for it: it bounds the doubt, and not what the line is known to need.
   */
  waitMs(bytes: number, leftMs: number = Number.POSITIVE_INFINITY): number {
    const expectedMs = (this.#roundTripMs ?? 0) + bytes * this.#msPerByte;
    const waitMs = Math.max(LEAST_WAIT_MS, PATIENCE * expectedMs);
    return Math.min(waitMs * this.#doubt, Math.max(waitMs, leftMs), MAX_WAIT_MS);
  }

  /** An answer has come, whatever it says. */
  answered(bytes: number, tookMs: number): void {
    const isBehindOthers = this.#doubt > 1;
    this.#doubt = 1;
    const roundTripMs = Math.min(this.#roundTripOf(bytes, tookMs) ?? 0, tookMs);
    const msPerByte = (tookMs - roundTripMs) / Math.max(1, bytes);
    this.#msPerByte += (msPerByte - this.#msPerByte) / 4;
    const targetMs = Math.min(Math.max(LEAST_TARGET_MS, TARGET_ROUND_TRIPS * roundTripMs), this.#maxTargetMs);
    // It waited for what had been given up, and cannot be compared.
    if (isBehindOthers) this.#last = { bytes: 0, tookMs: 0 };
    // A larger one tells what a round trip takes.
    const soonMs = this.#roundTripMs === undefined ? 2 * targetMs : targetMs;
    if (tookMs <= soonMs) {
      // A write that was smaller than it might have been tells nothing of larger ones.
      if (bytes >= this.#bytes / 2) this.#bytes = Math.min(this.#bytes * 2, MAX_BYTES);
    } else if (tookMs > 2 * targetMs)
      this.#bytes = Math.max(MIN_BYTES, Math.min(this.#bytes, (bytes * targetMs) / tookMs));
  }

  /** By this write and the one before it, where they are unlike. */
  #roundTripOf(bytes: number, tookMs: number): number | undefined {
    const last = this.#last;
    this.#last = { bytes, tookMs };
    const isUnlike = Math.max(bytes, last.bytes) > UNLIKE * Math.min(bytes, last.bytes);
    if (last.bytes > 0 && isUnlike) {
      const msPerByte = Math.max(0, (tookMs - last.tookMs) / (bytes - last.bytes));
      this.#roundTripMs = Math.max(0, tookMs - msPerByte * bytes);
    }
    return this.#roundTripMs;
  }

  /** The line was cut; what has taken its place may be slower. */
  startAnew(): void {
    this.#bytes = Math.min(this.#bytes, FIRST_BYTES);
  }

  /** No answer has come in time. */
  timedOut(bytes: number): void {
    this.#roundTripMs = undefined;
    this.#last = { bytes: 0, tookMs: 0 };
    this.#doubt = Math.min(this.#doubt * 2, MAX_WAIT_MS / LEAST_WAIT_MS);
    this.#bytes = Math.max(MIN_BYTES, Math.min(this.#bytes, bytes) / 2);
  }
}
