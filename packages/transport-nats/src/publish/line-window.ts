/** Largest write on a fast line. */
const MAX_BYTES = 4 * 1024 * 1024;
/** First write on an unknown line: 8 kB/s carry it before the client considers its server gone. */
const FIRST_BYTES = 64 * 1024;
/** The slowest usable line, 8 kB/s, carries this in a second. */
const MIN_BYTES = 8 * 1024;
/** A server that has not answered after this time is considered lost, unless the line is known to be slow. */
const LEAST_WAIT_MS = 2500;
const MAX_WAIT_MS = 30_000;
/** How much longer than expected an answer may take. */
const PATIENCE = 3;
/**
 * Target time of an answer, unless a few round trips take longer. A shorter one wastes the line, a longer one delays
 * everything else.
 */
const LEAST_TARGET_MS = 1000;
const MAX_TARGET_MS = 5000;
const TARGET_ROUND_TRIPS = 7;
/** Two writes need this size ratio to separate the time of a round trip from the time of a byte. */
const UNLIKE = 1.25;

/**
 * Decides how much goes into one write and how long to wait for its answer, from the answers before. A missing answer
 * halves the size; soon answers double it. Pure but for its memory.
 */
export class LineWindow {
  #bytes = FIRST_BYTES;
  /** Undefined until two writes have separated it from the rest of an answer's time. */
  #roundTripMs: number | undefined;
  #msPerByte = 0;
  #last = { bytes: 0, tookMs: 0 };
  /** Doubled for each answer in a row that did not come. */
  #doubt = 1;

  readonly #maxTargetMs: number;

  /** @param maxTargetMs Limit of an answer's target time, however long a round trip takes. @default 5000 */
  constructor(maxTargetMs: number = MAX_TARGET_MS) {
    this.#maxTargetMs = maxTargetMs;
  }

  /** Largest size of the next write. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many messages, from the first on, go into the next write: at least one, however large it is. */
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
   * @param leftMs After this nobody needs the answer. It limits the doubled wait, not the time that the line is known
   * to need.
   */
  waitMs(bytes: number, leftMs: number = Number.POSITIVE_INFINITY): number {
    const expectedMs = (this.#roundTripMs ?? 0) + bytes * this.#msPerByte;
    const waitMs = Math.max(LEAST_WAIT_MS, PATIENCE * expectedMs);
    return Math.min(waitMs * this.#doubt, Math.max(waitMs, leftMs), MAX_WAIT_MS);
  }

  /** Records an answer, whatever it says. */
  answered(bytes: number, tookMs: number): void {
    const isBehindOthers = this.#doubt > 1;
    this.#doubt = 1;
    const roundTripMs = Math.min(this.#roundTripOf(bytes, tookMs) ?? 0, tookMs);
    const msPerByte = (tookMs - roundTripMs) / Math.max(1, bytes);
    this.#msPerByte += (msPerByte - this.#msPerByte) / 4;
    const targetMs = Math.min(Math.max(LEAST_TARGET_MS, TARGET_ROUND_TRIPS * roundTripMs), this.#maxTargetMs);
    // This answer waited behind writes that were given up, so its time cannot be compared.
    if (isBehindOthers) this.#last = { bytes: 0, tookMs: 0 };
    // A larger write is needed to measure the round trip.
    const soonMs = this.#roundTripMs === undefined ? 2 * targetMs : targetMs;
    if (tookMs <= soonMs) {
      // A write below the limit says little about larger ones.
      if (bytes >= this.#bytes / 2) this.#bytes = Math.min(this.#bytes * 2, MAX_BYTES);
    } else if (tookMs > 2 * targetMs)
      this.#bytes = Math.max(MIN_BYTES, Math.min(this.#bytes, (bytes * targetMs) / tookMs));
  }

  /** The round trip from this write and the one before, if their sizes differ enough. */
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

  /** The line was cut; its replacement may be slower. */
  startAnew(): void {
    this.#bytes = Math.min(this.#bytes, FIRST_BYTES);
  }

  /** No answer came in time. */
  timedOut(bytes: number): void {
    this.#roundTripMs = undefined;
    this.#last = { bytes: 0, tookMs: 0 };
    this.#doubt = Math.min(this.#doubt * 2, MAX_WAIT_MS / LEAST_WAIT_MS);
    this.#bytes = Math.max(MIN_BYTES, Math.min(this.#bytes, bytes) / 2);
  }
}
