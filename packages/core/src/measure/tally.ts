import type { MetricId } from "./catalogue/bus-metrics.ts";
import { Histogram } from "./histogram.ts";
import type { Counted } from "./metrics.ts";

/** Combinations of labels of one metric; later ones are counted together. Types of errors are open-ended. */
export const MAX_SERIES = 500;
const MAX_LABEL_LENGTH = 80;
export const OTHER = "other";

/** A counter of one combination of labels. */
export interface CounterSeries {
  readonly labels: readonly string[];
  count: number;
}

/** A histogram of one combination of labels. */
export interface HistogramSeries {
  readonly labels: readonly string[];
  readonly histogram: Histogram;
}

/** Counters and histograms by metric and labels, with a limit for each metric. Series stay when it begins anew. */
export class Tally {
  readonly #counters = new Map<MetricId, Map<string, CounterSeries>>();
  readonly #histograms = new Map<MetricId, Map<string, HistogramSeries>>();

  counter(metric: MetricId, labels: readonly string[]): CounterSeries {
    return seriesOf(this.#counters, metric, labels, newCounter);
  }

  histogram(metric: MetricId, labels: readonly string[]): HistogramSeries {
    return seriesOf(this.#histograms, metric, labels, newHistogram);
  }

  counted(): Counted {
    return {
      counters: [...this.#counters].flatMap(([metric, all]) =>
        unique(all)
          .filter(({ count }) => count > 0)
          .map(({ labels, count }) => [metric, labels, count] as const),
      ),
      histograms: [...this.#histograms].flatMap(([metric, all]) =>
        unique(all)
          .filter(({ histogram }) => histogram.count > 0)
          .map(({ labels, histogram }) => [metric, labels, histogram.snapshot()] as const),
      ),
    };
  }

  reset(): void {
    for (const all of this.#counters.values()) for (const series of all.values()) series.count = 0;
    for (const all of this.#histograms.values()) for (const { histogram } of all.values()) histogram.reset();
  }
}

const newCounter = (labels: readonly string[]): CounterSeries => ({ labels, count: 0 });
const newHistogram = (labels: readonly string[]): HistogramSeries => ({ labels, histogram: new Histogram() });

/** One series may have several keys. */
function unique<T>(all: ReadonlyMap<string, T>): T[] {
  return [...new Set(all.values())];
}

/** The series of these labels; when there are too many, the series that counts the rest together. */
function seriesOf<T>(
  byMetric: Map<MetricId, Map<string, T>>,
  metric: MetricId,
  labels: readonly string[],
  make: (labels: readonly string[]) => T,
): T {
  const all = byMetric.get(metric) ?? new Map<string, T>();
  // Most metrics have one label at most.
  const key = labels.length === 1 ? (labels[0] ?? "") : labels.join(" ");
  const known = all.get(key);
  if (known !== undefined) return known;
  const own =
    all.size < MAX_SERIES ? labels.map((label) => label.slice(0, MAX_LABEL_LENGTH)) : labels.map(() => OTHER);
  const ownKey = own.join(" ");
  const series = all.get(ownKey) ?? make(own);
  all.set(all.size < MAX_SERIES ? key : ownKey, series);
  byMetric.set(metric, all);
  return series;
}
