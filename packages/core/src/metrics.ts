import { Histogram, type HistogramSnapshot } from "./histogram.ts";
import type { Logger, MetricsStore } from "./ports.ts";

export type MetricId =
  | "published"
  | "publishFailed"
  | "publishMs"
  | "settled"
  | "attemptsFailed"
  | "held"
  | "handlingMs"
  | "ageMs"
  | "retries";

interface MetricDescription {
  /** By the conventions of Prometheus: base units, `_total` for what only grows. */
  readonly name: string;
  readonly type: "counter" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
  /** Of a histogram whose values are milliseconds, told in seconds. */
  readonly unit?: "ms";
}

/** Every metric there is. Documentation and exports are made from this list. */
export const METRICS: Readonly<Record<MetricId, MetricDescription>> = {
  published: {
    name: "adaos_events_published_total",
    type: "counter",
    labels: ["event"],
    help: "Events that were stored when they were published.",
  },
  publishFailed: {
    name: "adaos_publish_failures_total",
    type: "counter",
    labels: ["code"],
    help: "Calls of publish and request that were rejected, by the code of the error.",
  },
  publishMs: {
    name: "adaos_publish_duration_seconds",
    type: "histogram",
    labels: [],
    help: "From the call of publish until the event was stored.",
    unit: "ms",
  },
  settled: {
    name: "adaos_events_settled_total",
    type: "counter",
    labels: ["durable", "outcome"],
    help: "Events whose handling has ended: success, success_after_retry, repeated (not run again), failed (permanent) or dead_letter (retries spent).",
  },
  attemptsFailed: {
    name: "adaos_attempts_failed_total",
    type: "counter",
    labels: ["durable", "category", "type"],
    help: "Failed attempts at handling, by category and type of the error.",
  },
  held: {
    name: "adaos_deliveries_held_total",
    type: "counter",
    labels: ["durable"],
    help: "Deliveries put off because the hub took no dead letter or mark.",
  },
  handlingMs: {
    name: "adaos_handling_duration_seconds",
    type: "histogram",
    labels: ["durable"],
    help: "Run of a handler, failed attempts too.",
    unit: "ms",
  },
  ageMs: {
    name: "adaos_event_age_seconds",
    type: "histogram",
    labels: ["durable"],
    help: "From the time an event bears to the end of its handling; by the clocks of two machines.",
    unit: "ms",
  },
  retries: {
    name: "adaos_event_retries",
    type: "histogram",
    labels: ["durable"],
    help: "Retries of the events that needed any, when their handling ended.",
  },
};

/** What one process counted in one hour, as it is kept. Counts only grow within an hour. */
export interface MetricsSnapshot {
  /** `alpha/kitchen`. */
  readonly node: string;
  /** Tells the processes of a node apart. */
  readonly instance: string;
  /** RFC 3339, the hour's beginning. */
  readonly hour: string;
  readonly counters: readonly (readonly [metric: MetricId, labels: readonly string[], count: number])[];
  readonly histograms: readonly (readonly [
    metric: MetricId,
    labels: readonly string[],
    values: HistogramSnapshot,
  ])[];
}

const HOUR_MS = 3_600_000;
/** Combinations of labels of one metric; later ones are counted together. Types of errors come from anywhere. */
const MAX_SERIES = 500;
const MAX_LABEL_LENGTH = 80;
const OTHER = "other";
/** Hours kept while they cannot be stored. */
const MAX_UNSTORED_HOURS = 48;
const STORE_MS = 10_000;

class HourOfMetrics {
  readonly hour: string;
  readonly counters = new Map<string, { metric: MetricId; labels: readonly string[]; count: number }>();
  readonly histograms = new Map<
    string,
    { metric: MetricId; labels: readonly string[]; histogram: Histogram }
  >();
  changed = false;

  constructor(startMs: number) {
    this.hour = new Date(startMs).toISOString();
  }
}

/** Counts what a bus does, hour by hour, and has it stored now and then. */
export class Metrics {
  readonly #node: string;
  readonly #instance: string;
  readonly #store: MetricsStore;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #unstored: HourOfMetrics[] = [];
  #current: HourOfMetrics;
  #nextHourMs = 0;
  readonly #timer: NodeJS.Timeout;
  #storing: Promise<void> = Promise.resolve();

  constructor(
    node: string,
    instance: string,
    store: MetricsStore,
    log: Logger,
    now: () => number = Date.now,
  ) {
    this.#node = node;
    this.#instance = instance;
    this.#store = store;
    this.#log = log;
    this.#now = now;
    this.#current = this.#newHour();
    this.#timer = setInterval(() => void this.flush(), STORE_MS);
    this.#timer.unref();
  }

  count(metric: MetricId, labels: readonly string[] = []): void {
    const { counters } = this.#hour();
    const key = seriesKey(metric, labels);
    const series = counters.get(key);
    if (series !== undefined) series.count++;
    else if (counters.size < MAX_SERIES) counters.set(key, { metric, labels: bounded(labels), count: 1 });
    else this.#countOther(counters, metric, labels);
  }

  observe(metric: MetricId, value: number, labels: readonly string[] = []): void {
    const { histograms } = this.#hour();
    const key = seriesKey(metric, labels);
    let series = histograms.get(key);
    if (series === undefined) {
      if (histograms.size >= MAX_SERIES) return;
      series = { metric, labels: bounded(labels), histogram: new Histogram() };
      histograms.set(key, series);
    }
    series.histogram.observe(Math.max(0, value));
  }

  /** Stores what has changed. Never rejects: what cannot be stored is kept for later. */
  flush(): Promise<void> {
    this.#storing = this.#storing.then(() => this.#flush());
    return this.#storing;
  }

  /** Stores what has changed, then counts no more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  #countOther(counters: HourOfMetrics["counters"], metric: MetricId, labels: readonly string[]): void {
    const others = labels.map(() => OTHER);
    const key = seriesKey(metric, others);
    const series = counters.get(key);
    if (series === undefined) counters.set(key, { metric, labels: others, count: 1 });
    else series.count++;
  }

  #hour(): HourOfMetrics {
    if (this.#now() >= this.#nextHourMs) {
      if (this.#current.changed) this.#unstored.push(this.#current);
      if (this.#unstored.length > MAX_UNSTORED_HOURS) this.#unstored.shift();
      this.#current = this.#newHour();
    }
    this.#current.changed = true;
    return this.#current;
  }

  #newHour(): HourOfMetrics {
    const startMs = Math.floor(this.#now() / HOUR_MS) * HOUR_MS;
    this.#nextHourMs = startMs + HOUR_MS;
    return new HourOfMetrics(startMs);
  }

  async #flush(): Promise<void> {
    const current = this.#current;
    try {
      for (let hour = this.#unstored[0]; hour !== undefined; hour = this.#unstored[0]) {
        await this.#store.storeMetrics(this.#snapshot(hour));
        this.#unstored.shift();
      }
      if (!current.changed) return;
      current.changed = false;
      await this.#store.storeMetrics(this.#snapshot(current));
    } catch (err) {
      current.changed = true;
      this.#log.debug({ err }, "metrics not stored");
    }
  }

  #snapshot({ hour, counters, histograms }: HourOfMetrics): MetricsSnapshot {
    return {
      node: this.#node,
      instance: this.#instance,
      hour,
      counters: [...counters.values()].map(({ metric, labels, count }) => [metric, labels, count]),
      histograms: [...histograms.values()].map(({ metric, labels, histogram }) => [
        metric,
        labels,
        histogram.snapshot(),
      ]),
    };
  }
}

function seriesKey(metric: MetricId, labels: readonly string[]): string {
  return labels.length === 0 ? metric : `${metric} ${labels.join(" ")}`;
}

function bounded(labels: readonly string[]): readonly string[] {
  return labels.map((label) => label.slice(0, MAX_LABEL_LENGTH));
}
