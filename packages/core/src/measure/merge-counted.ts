import type { MetricId } from "./catalogue/bus-metrics.ts";
import { EMPTY_HISTOGRAM, type HistogramSnapshot, mergeHistograms } from "./histogram.ts";
import type { Counted } from "./metrics.ts";
import { MAX_SERIES, OTHER } from "./tally.ts";

interface Sum<T> {
  readonly metric: MetricId;
  readonly labels: readonly string[];
  value: T;
}

/** Sums by metric and labels; a metric has a limited number of series. */
class Sums<T> {
  readonly #all = new Map<string, Sum<T>>();
  readonly #series = new Map<MetricId, number>();
  readonly #nothing: T;
  readonly #add: (a: T, b: T) => T;

  constructor(nothing: T, add: (a: T, b: T) => T) {
    this.#nothing = nothing;
    this.#add = add;
  }

  add(metric: MetricId, labels: readonly string[], value: T): void {
    const series = this.#series.get(metric) ?? 0;
    const known = this.#all.get(keyOf(metric, labels));
    const own = known !== undefined || series < MAX_SERIES ? labels : labels.map(() => OTHER);
    const key = keyOf(metric, own);
    const sum = this.#all.get(key) ?? { metric, labels: own, value: this.#nothing };
    if (!this.#all.has(key)) this.#series.set(metric, series + 1);
    sum.value = this.#add(sum.value, value);
    this.#all.set(key, sum);
  }

  list(): (readonly [MetricId, readonly string[], T])[] {
    return [...this.#all.values()].map(({ metric, labels, value }) => [metric, labels, value] as const);
  }
}

function keyOf(metric: MetricId, labels: readonly string[]): string {
  return `${metric} ${labels.join("\0")}`;
}

/** Adds up the counts of several processes. The first ones keep their labels when there are too many. Pure. */
export function mergeCounted(all: readonly Counted[]): Counted {
  const counters = new Sums<number>(0, (a, b) => a + b);
  const histograms = new Sums<HistogramSnapshot>(EMPTY_HISTOGRAM, mergeHistograms);
  for (const counted of all) {
    for (const [metric, labels, count] of counted.counters) counters.add(metric, labels, count);
    for (const [metric, labels, values] of counted.histograms) histograms.add(metric, labels, values);
  }
  return { counters: counters.list(), histograms: histograms.list() };
}
