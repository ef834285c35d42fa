import { within } from "../time/within.ts";
import type { Logger } from "../transport.ts";
import type { MetricId } from "./catalogue/bus-metrics.ts";
import { answerScrape, type Exposition } from "./exposition.ts";
import type { HistogramSnapshot } from "./histogram.ts";
import { mergeCounted } from "./merge-counted.ts";
import type { ProbeReport } from "./probe-report.ts";
import { countedFamilies } from "./prometheus.ts";
import { Tally } from "./tally.ts";

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
  /** Distinguishes the processes of a node. */
  readonly instance: string;
  /** RFC 3339, the hour's beginning. */
  readonly hour: string;
  /** All counts since the process began: they only grow, and outlive its first hours. */
  readonly totals: Counted;
  /** The state of its probes; undefined when it probes nothing. */
  readonly probes?: readonly ProbeReport[];
  /**
   * Of a snapshot that the hub has written: its totals are those of all processes of the node whose last hour is
   * before this time, RFC 3339.
   */
  readonly ended_before?: string;
}

const HOUR_MS = 3_600_000;
/** Hours kept while they cannot be stored. */
const MAX_UNSTORED_HOURS = 48;
const STORE_MS = 10_000;
/** An idle process reports this often that it has not ended. */
const ALIVE_MS = 24 * HOUR_MS;
/** Longest wait for the last store: numbers are not worth more. */
const CLOSE_MS = 3000;
/** The maximum of one process; reports of more would not fit in a message. */
export const MAX_PROBE_REPORTS = 200;
const MAX_REASON = 200;

const NO_LABELS: readonly string[] = [];

/** An hour that is over. */
interface EndedHour {
  readonly hour: string;
  readonly counted: Counted;
}

const NOTHING: Counted = { counters: [], histograms: [] };

/** Counts the work of a bus by the hour, and stores the counts now and then. */
export class Metrics {
  readonly #node: string;
  readonly #instance: string;
  readonly #store: MetricsStore;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #unstored: EndedHour[] = [];
  /** The counts of the current hour. */
  readonly #tally = new Tally();
  /** The counts of all earlier hours. */
  #past: Counted = NOTHING;
  #hour: string;
  #nextHourMs: number;
  #lastEnded: EndedHour | undefined;
  /** Something was counted since the last store. */
  #isChanged = false;
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
    [this.#hour, this.#nextHourMs] = hourOf(now());
    this.#timer = setInterval(() => void this.flush(), STORE_MS);
    this.#timer.unref();
  }

  count(metric: MetricId, labels: readonly string[] = NO_LABELS): void {
    this.#touch();
    this.#tally.counter(metric, labels).count++;
  }

  observe(metric: MetricId, value: number, labels: readonly string[] = NO_LABELS): void {
    this.#touch();
    this.#tally.histogram(metric, labels).histogram.observe(Math.max(0, value));
  }

  /** A counter that is asked for once and counted often. The returned function counts one. */
  counter(metric: MetricId, labels: readonly string[]): () => void {
    const series = this.#tally.counter(metric, labels);
    return () => {
      this.#touch();
      series.count++;
    };
  }

  /** The same of a histogram. */
  histogram(metric: MetricId, labels: readonly string[]): (value: number) => void {
    const { histogram } = this.#tally.histogram(metric, labels);
    return (value) => {
      this.#touch();
      histogram.observe(Math.max(0, value));
    };
  }

  /** Each snapshot reports the probes of the process, as this function returns them. */
  reportProbes(probes: () => readonly ProbeReport[]): void {
    this.#probes = probes;
  }

  /** Answers a scrape with all counts since the process began. */
  answer(accept: string | undefined): Exposition {
    const counted = this.#totals();
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

  #touch(): void {
    if (this.#now() >= this.#nextHourMs) this.#turn();
    this.#isChanged = true;
  }

  /** The next hour begins. */
  #turn(): void {
    const counted = this.#tally.counted();
    this.#lastEnded = { hour: this.#hour, counted };
    if (this.#isChanged) this.#keep(this.#lastEnded);
    this.#past = mergeCounted([this.#past, counted]);
    this.#tally.reset();
    this.#isChanged = false;
    [this.#hour, this.#nextHourMs] = hourOf(this.#now());
  }

  #totals(): Counted {
    return mergeCounted([this.#past, this.#tally.counted()]);
  }

  async #flush(): Promise<void> {
    if (this.#storedMs !== undefined && this.#now() - this.#storedMs >= ALIVE_MS) this.#touch();
    const hour = this.#hour;
    try {
      for (let ended = this.#unstored[0]; ended !== undefined; ended = this.#unstored[0]) {
        await this.#store.storeMetrics(this.#snapshot(ended));
        this.#unstored.shift();
      }
      if (hour !== this.#hour) return;
      // A probe that has ended must disappear from the report.
      if (!this.#isChanged && this.#probes().length === this.#probesTold) return;
      this.#isChanged = false;
      await this.#store.storeMetrics(this.#snapshot({ hour, counted: this.#tally.counted() }));
      this.#storedMs = this.#now();
    } catch (err) {
      const ended = this.#lastEnded;
      if (hour === this.#hour) this.#isChanged = true;
      // The hour has turned while it was being stored, as if it were.
      else if (ended?.hour === hour && !this.#unstored.includes(ended)) this.#keep(ended);
      this.#log.debug({ err }, "metrics not stored");
    }
  }

  #keep(ended: EndedHour): void {
    this.#unstored.push(ended);
    if (this.#unstored.length > MAX_UNSTORED_HOURS) this.#unstored.shift();
  }

  #snapshot({ hour, counted: ofHour }: EndedHour): MetricsSnapshot {
    const totals = this.#totals();
    const all = this.#probes();
    this.#probesTold = all.length;
    const probes = all.slice(0, MAX_PROBE_REPORTS).map(
      ({ error_message: reason, unpublished, ...probe }): ProbeReport => ({
        ...probe,
        error_message: reason?.slice(0, MAX_REASON) ?? null,
        unpublished: unpublished?.slice(0, MAX_REASON) ?? null,
      }),
    );
    const counted = { node: this.#node, instance: this.#instance, hour, ...ofHour, totals };
    return probes.length === 0 ? counted : { ...counted, probes };
  }
}

/** The hour of a time, RFC 3339, and when the next begins. */
function hourOf(nowMs: number): [hour: string, nextMs: number] {
  const startMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  return [new Date(startMs).toISOString(), startMs + HOUR_MS];
}
