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
const TARGET_ROUND_TRIPS = 5;
/** A line that has grown slower is believed after a while. */
const FORGET = 1.05;

/**
 * How much goes into one write, and how long its answer may take, by what the answers before have told of the line:
 * halved when one does not come, doubled while they come soon. Pure but for its memory.
 */
export class LineWindow {
  #bytes = FIRST_BYTES;
  /** The quickest answer of late: a round trip, or little more. */
  #quickestMs = Number.POSITIVE_INFINITY;
  #msPerByte = 0;
  /** Doubled for each answer in a row that has not come. */
  #doubt = 1;

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
    const roundTripMs = Number.isFinite(this.#quickestMs) ? this.#quickestMs : 0;
    const expectedMs = roundTripMs + bytes * this.#msPerByte;
    const waitMs = Math.max(LEAST_WAIT_MS, PATIENCE * expectedMs);
    return Math.min(waitMs * this.#doubt, Math.max(waitMs, leftMs), MAX_WAIT_MS);
  }

  /** An answer has come, whatever it says. */
  answered(bytes: number, tookMs: number): void {
    this.#doubt = 1;
    this.#quickestMs = Math.max(1, Math.min(this.#quickestMs * FORGET, tookMs));
    const msPerByte = Math.max(0, tookMs - this.#quickestMs) / Math.max(1, bytes);
    this.#msPerByte += (msPerByte - this.#msPerByte) / 4;
    const targetMs = Math.min(
      Math.max(LEAST_TARGET_MS, TARGET_ROUND_TRIPS * this.#quickestMs),
      MAX_TARGET_MS,
    );
    // A write that was smaller than it might have been tells nothing of larger ones.
    if (tookMs <= targetMs) {
      if (bytes >= this.#bytes / 2) this.#bytes = Math.min(this.#bytes * 2, MAX_BYTES);
    } else if (tookMs > 2 * targetMs)
      this.#bytes = Math.max(MIN_BYTES, Math.min(this.#bytes, (bytes * targetMs) / tookMs));
  }

  /** The line was cut; what has taken its place may be slower. */
  startAnew(): void {
    this.#bytes = Math.min(this.#bytes, FIRST_BYTES);
  }

  /** No answer has come in time. */
  timedOut(bytes: number): void {
    this.#doubt = Math.min(this.#doubt * 2, MAX_WAIT_MS / LEAST_WAIT_MS);
    this.#bytes = Math.max(MIN_BYTES, Math.min(this.#bytes, bytes) / 2);
  }
}
