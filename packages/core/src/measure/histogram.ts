/**
 * Values as counts of buckets, each 10 % wider than the last. It holds any number of values in little space, and
 * two can be added.
 */
export interface HistogramSnapshot {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Bucket number and the number of values in it; bucket 0 has the values up to 1. */
  readonly buckets: readonly (readonly [bucket: number, count: number])[];
}

const GROWTH = Math.log(1.1);

export const EMPTY_HISTOGRAM: HistogramSnapshot = { count: 0, sum: 0, min: 0, max: 0, buckets: [] };

/** Counts values of 0 and more. A quantile is off by at most 5 %; the extremes are exact. */
export class Histogram {
  count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  /** By bucket; a value of a day in milliseconds is in bucket 192. */
  readonly #buckets: number[] = [];

  observe(value: number): void {
    const bucket = value <= 1 ? 0 : Math.ceil(Math.log(value) / GROWTH);
    while (this.#buckets.length <= bucket) this.#buckets.push(0);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  reset(): void {
    this.count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = 0;
    this.#buckets.length = 0;
  }

  snapshot(): HistogramSnapshot {
    if (this.count === 0) return EMPTY_HISTOGRAM;
    const buckets = [...this.#buckets.entries()].filter(([, held]) => held > 0);
    return { count: this.count, sum: this.#sum, min: this.#min, max: this.#max, buckets };
  }
}

export function mergeHistograms(a: HistogramSnapshot, b: HistogramSnapshot): HistogramSnapshot {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const buckets = new Map(a.buckets);
  for (const [bucket, count] of b.buckets) buckets.set(bucket, (buckets.get(bucket) ?? 0) + count);
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    buckets: [...buckets].sort(([one], [other]) => one - other),
  };
}

/** The value that a share `q` (0 to 1) of all values does not exceed; 0 for an empty histogram. */
export function quantile({ count, min, max, buckets }: HistogramSnapshot, q: number): number {
  const rank = Math.max(1, Math.ceil(q * count));
  let seen = 0;
  for (const [bucket, held] of buckets) {
    seen += held;
    if (seen >= rank) return Math.min(Math.max(middleOf(bucket), min), max);
  }
  return max;
}

/** How many values are at most `limit`, to the nearest bucket. */
export function countUpTo({ count, max, buckets }: HistogramSnapshot, limit: number): number {
  if (limit >= max) return count;
  return buckets.reduce((sum, [bucket, held]) => (middleOf(bucket) <= limit ? sum + held : sum), 0);
}

function middleOf(bucket: number): number {
  return bucket === 0 ? 1 : Math.exp((bucket - 0.5) * GROWTH);
}
