import { within } from "../time/within.ts";
import type { Logger } from "../transport.ts";
import type { MetricId } from "./catalogue.ts";
import { answerScrape, type Exposition } from "./exposition.ts";
import { Histogram, type HistogramSnapshot } from "./histogram.ts";
import type { ProbeReport } from "./probe-report.ts";
import { countedFamilies } from "./prometheus.ts";

export interface Counted {
  readonly counters: readonly (readonly [metric: MetricId, labels: readonly string[], count: number])[];
  readonly histograms: readonly (readonly [
    metric: MetricId,
    labels: readonly string[],
    values: HistogramSnapshot,
  ])[];
}

/** Stores counts, so that they can be added up later. */
export interface MetricsStore {
  /**
   * Stores the counts of one process and hour, in place of the earlier ones of that hour. Rejects with
   * `unavailable`.
   */
  storeMetrics(snapshot: MetricsSnapshot): Promise<void>;
}

/** The stored counts of one process in one hour. They only grow within the hour. */
export interface MetricsSnapshot extends Counted {
  /** `alpha/kitchen`. */
  readonly node: string;
  /** Tells the processes of a node apart. */
  readonly instance: string;
  /** RFC 3339, the hour's beginning. */
  readonly hour: string;
  /** All counts since the process began: they only grow, and outlive its first hours. */
  readonly totals: Counted;
  /** How what it probes is; nothing where it probes nothing. */
  readonly probes?: readonly ProbeReport[];
  /**
   * Of a snapshot that the hub has written: its totals are those of all processes of the node whose last hour is
   * before this time, RFC 3339.
   */
  readonly ended_before?: string;
}

const HOUR_MS = 3_600_000;
/** Combinations of labels of one metric; later ones are counted together. Types of errors are open-ended. */
export const MAX_SERIES = 500;
const MAX_LABEL_LENGTH = 80;
export const OTHER = "other";
/** Hours kept while they cannot be stored. */
const MAX_UNSTORED_HOURS = 48;
const STORE_MS = 10_000;
/** An idle process reports this often that it has not ended. */
const ALIVE_MS = 24 * HOUR_MS;
/** Longest wait for the last store: numbers are not worth more. */
const CLOSE_MS = 3000;
/** Of one process; what is told of more would not fit in a message. */
export const MAX_PROBE_REPORTS = 200;
const MAX_REASON = 200;

/** Counters and histograms by metric and labels, with a limit for each metric. */
class Tally {
  readonly #counters = new Map<MetricId, Map<string, { labels: readonly string[]; count: number }>>();
  readonly #histograms = new Map<
    MetricId,
    Map<string, { labels: readonly string[]; histogram: Histogram }>
  >();

  count(metric: MetricId, labels: readonly string[]): void {
    seriesOf(this.#counters, metric, labels, newCounter).count++;
  }

  observe(metric: MetricId, labels: readonly string[], value: number): void {
    seriesOf(this.#histograms, metric, labels, newHistogram).histogram.observe(value);
  }

  counted(): Counted {
    return {
      counters: [...this.#counters].flatMap(([metric, all]) =>
        [...all.values()].map(({ labels, count }) => [metric, labels, count] as const),
      ),
      histograms: [...this.#histograms].flatMap(([metric, all]) =>
        [...all.values()].map(({ labels, histogram }) => [metric, labels, histogram.snapshot()] as const),
      ),
    };
  }
}

const newCounter = (labels: readonly string[]) => ({ labels, count: 0 });
const newHistogram = (labels: readonly string[]) => ({ labels, histogram: new Histogram() });
const NO_LABELS: readonly string[] = [];

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

interface HourOfMetrics {
  readonly hour: string;
  readonly tally: Tally;
  changed: boolean;
}

/** Counts the work of a bus by the hour, and stores the counts now and then. */
export class Metrics {
  readonly #node: string;
  readonly #instance: string;
  readonly #store: MetricsStore;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #unstored: HourOfMetrics[] = [];
  readonly #totals = new Tally();
  #current: HourOfMetrics;
  #nextHourMs = 0;
  /** Time of the last store; undefined before the first. */
  #storedMs: number | undefined;
  #probes: () => readonly ProbeReport[] = () => [];
  #probesTold = 0;
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

  count(metric: MetricId, labels: readonly string[] = NO_LABELS): void {
    this.#hour().tally.count(metric, labels);
    this.#totals.count(metric, labels);
  }

  observe(metric: MetricId, value: number, labels: readonly string[] = NO_LABELS): void {
    const bounded = Math.max(0, value);
    this.#hour().tally.observe(metric, labels, bounded);
    this.#totals.observe(metric, labels, bounded);
  }

  /** Each snapshot reports the probes of the process, as this function returns them. */
  reportProbes(probes: () => readonly ProbeReport[]): void {
    this.#probes = probes;
  }

  /** Answers a scrape with all counts since the process began. */
  answer(accept: string | undefined): Exposition {
    const counted = this.#totals.counted();
    return answerScrape(countedFamilies([{ labels: [["node", this.#node]], counted }]), accept);
  }

  /** Stores changed counts. Never rejects: a snapshot that cannot be stored is kept for later. */
  flush(): Promise<void> {
    this.#storing = this.#storing.then(() => this.#flush());
    return this.#storing;
  }

  /** Stores changed counts, waiting at most a moment. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await within(this.flush(), CLOSE_MS);
  }

  #hour(): HourOfMetrics {
    if (this.#now() >= this.#nextHourMs) {
      if (this.#current.changed) this.#keep(this.#current);
      this.#current = this.#newHour();
    }
    this.#current.changed = true;
    return this.#current;
  }

  #newHour(): HourOfMetrics {
    const startMs = Math.floor(this.#now() / HOUR_MS) * HOUR_MS;
    this.#nextHourMs = startMs + HOUR_MS;
    return { hour: new Date(startMs).toISOString(), tally: new Tally(), changed: false };
  }

  async #flush(): Promise<void> {
    if (this.#storedMs !== undefined && this.#now() - this.#storedMs >= ALIVE_MS) this.#hour();
    const current = this.#current;
    try {
      for (let hour = this.#unstored[0]; hour !== undefined; hour = this.#unstored[0]) {
        await this.#store.storeMetrics(this.#snapshot(hour));
        this.#unstored.shift();
      }
      // Whoever probes no more says so.
      if (!current.changed && this.#probes().length === this.#probesTold) return;
      current.changed = false;
      await this.#store.storeMetrics(this.#snapshot(current));
      this.#storedMs = this.#now();
    } catch (err) {
      // The hour may have turned meanwhile: then the list of unstored hours already has it.
      if (current === this.#current) current.changed = true;
      else if (!current.changed) this.#keep(current);
      this.#log.debug({ err }, "metrics not stored");
    }
  }

  #keep(hour: HourOfMetrics): void {
    if (!this.#unstored.includes(hour)) this.#unstored.push(hour);
    if (this.#unstored.length > MAX_UNSTORED_HOURS) this.#unstored.shift();
  }

  #snapshot({ hour, tally }: HourOfMetrics): MetricsSnapshot {
    const totals = this.#totals.counted();
    const all = this.#probes();
    this.#probesTold = all.length;
    const probes = all.slice(0, MAX_PROBE_REPORTS).map(
      ({ error_message: reason, unpublished, ...probe }): ProbeReport => ({
        ...probe,
        error_message: reason?.slice(0, MAX_REASON) ?? null,
        unpublished: unpublished?.slice(0, MAX_REASON) ?? null,
      }),
    );
    const counted = { node: this.#node, instance: this.#instance, hour, ...tally.counted(), totals };
    return probes.length === 0 ? counted : { ...counted, probes };
  }
}
