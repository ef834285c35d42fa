import type { MetricId } from "./catalogue/bus-metrics.ts";
import { EMPTY_HISTOGRAM, type HistogramSnapshot, mergeHistograms, quantile } from "./histogram.ts";
import type { MetricsSnapshot } from "./metrics.ts";

/** Milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly min: number;
  readonly avg: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface OutcomeCounts {
  /** Events whose handling ended: the sum of the next three. */
  total: number;
  success: number;
  /** Failed for reasons that time does not cure. */
  failed: number;
  /** Failed with all retries spent. */
  dead_letter: number;
}

/** The figures of a mesh. */
export interface MetricsSummary {
  readonly published: number;
  readonly publish_failures: Readonly<Record<string, number>>;
  readonly outcomes: OutcomeCounts;
  /** Successes that needed retries; within `success`. */
  readonly success_after_retry: number;
  /** Redelivered and not run again. */
  readonly repeated: number;
  /** Parked until the schema of the event came. */
  readonly parked: number;
  readonly held: number;
  /** Failed attempts. */
  readonly by_category: Readonly<Record<string, number>>;
  readonly by_type: Readonly<Record<string, number>>;
  readonly handling_ms: LatencySummary;
  readonly age_ms: LatencySummary;
  readonly publish_ms: LatencySummary;
  /** The retries of the events that needed some. */
  readonly retries: { readonly total: number; readonly avg: number; readonly max: number };
  /** By the hour's beginning, RFC 3339, oldest first. */
  readonly by_hour: Readonly<Record<string, OutcomeCounts & { published: number }>>;
}

/** Adds up snapshots. Pure. */
export function summarize(snapshots: readonly MetricsSnapshot[]): MetricsSummary {
  const hours = [...new Set(snapshots.map(({ hour }) => hour))].sort();
  const byHour = hours.map((hour) => {
    const tally = new Tally(snapshots.filter((snapshot) => snapshot.hour === hour));
    return [hour, { published: tally.total("published"), ...outcomesOf(tally) }] as const;
  });
  const all = new Tally(snapshots);
  const retries = all.values("retries");
  return {
    published: all.total("published"),
    publish_failures: all.byLabel("publishFailed", 0),
    outcomes: outcomesOf(all),
    success_after_retry: all.byLabel("settled", 1)["success_after_retry"] ?? 0,
    repeated: all.byLabel("settled", 1)["repeated"] ?? 0,
    parked: all.byLabel("settled", 1)["parked"] ?? 0,
    held: all.total("held"),
    by_category: all.byLabel("attemptsFailed", 1),
    by_type: all.byLabel("attemptsFailed", 2),
    handling_ms: latencyOf(all.values("handlingMs")),
    age_ms: latencyOf(all.values("ageMs")),
    publish_ms: latencyOf(all.values("publishMs")),
    retries: { total: retries.sum, avg: average(retries), max: retries.max },
    by_hour: Object.fromEntries(byHour),
  };
}

class Tally {
  readonly #snapshots: readonly MetricsSnapshot[];

  constructor(snapshots: readonly MetricsSnapshot[]) {
    this.#snapshots = snapshots;
  }

  total(metric: MetricId): number {
    return this.#counts(metric).reduce((sum, [, , count]) => sum + count, 0);
  }

  byLabel(metric: MetricId, label: number): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const [, labels, count] of this.#counts(metric)) {
      const value = labels[label] ?? "";
      sums[value] = (sums[value] ?? 0) + count;
    }
    return sums;
  }

  values(metric: MetricId): HistogramSnapshot {
    return this.#snapshots
      .flatMap(({ histograms }) => histograms)
      .reduce((sum, [id, , values]) => (id === metric ? mergeHistograms(sum, values) : sum), EMPTY_HISTOGRAM);
  }

  #counts(metric: MetricId): MetricsSnapshot["counters"] {
    return this.#snapshots.flatMap(({ counters }) => counters).filter(([id]) => id === metric);
  }
}

function outcomesOf(tally: Tally): OutcomeCounts {
  const by = tally.byLabel("settled", 1);
  const success = (by["success"] ?? 0) + (by["success_after_retry"] ?? 0);
  const failed = by["failed"] ?? 0;
  const dead_letter = by["dead_letter"] ?? 0;
  return { total: success + failed + dead_letter, success, failed, dead_letter };
}

function latencyOf(values: HistogramSnapshot): LatencySummary {
  const { count, min, max } = values;
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => quantile(values, q));
  return { count, min, avg: average(values), p50: p50 ?? 0, p95: p95 ?? 0, p99: p99 ?? 0, max };
}

function average({ count, sum }: HistogramSnapshot): number {
  return count === 0 ? 0 : sum / count;
}
