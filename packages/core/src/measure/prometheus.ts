import { METRICS, type MetricDescription, type MetricId } from "./catalogue/bus-metrics.ts";
import { NODE_METRICS, type NodeMetricId } from "./catalogue/node-metrics.ts";
import { exposition, type Family, type Sample } from "./exposition.ts";
import { countUpTo, type HistogramSnapshot } from "./histogram.ts";
import type { Counted, MetricsSnapshot } from "./metrics.ts";

/** Upper bounds of buckets, common in dashboards, in milliseconds. */
const BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];
const BOUNDS = [1, 2, 3, 5, 8, 13];
/** Figures of one metric in a scrape; more are left out. */
const MAX_FIGURES = 10_000;

/** Counts, and the process that made them: its labels come before those of the catalogue. */
export interface CountedBy {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly counted: Counted;
}

/** A figure of a node at one moment. */
export interface Figure {
  readonly metric: NodeMetricId;
  /** Values of the labels that the catalogue names. @default none */
  readonly labels?: readonly string[];
  readonly value: number;
  /** The cause, for an alert; a scrape leaves it out. */
  readonly cause?: string;
}

/**
 * The counts of each process since it began, in Prometheus' text format (version 0.0.4), in the order of the
 * catalogue. The last counts of an ended process stay until its snapshots are gone; no count ever falls. Pure.
 */
export function prometheusText(snapshots: readonly MetricsSnapshot[]): string {
  const by = newestOfEach(snapshots).map(({ node, instance, totals }): CountedBy => {
    return {
      labels: [
        ["node", node],
        ["process", instance],
      ],
      counted: totals,
    };
  });
  return exposition(countedFamilies(by), "text");
}

/** The newest hour of each process: its totals include all earlier hours. */
function newestOfEach(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot[] {
  const newest = new Map<string, MetricsSnapshot>();
  const endedBefore = new Map<string, string>();
  for (const snapshot of snapshots) {
    if (snapshot.ended_before !== undefined) endedBefore.set(snapshot.node, snapshot.ended_before);
    const key = `${snapshot.node} ${snapshot.instance}`;
    if ((newest.get(key)?.hour ?? "") <= snapshot.hour) newest.set(key, snapshot);
  }
  // The hub has added ended processes to one snapshot; they are not listed again.
  return [...newest.values()].filter(({ node, hour }) => hour >= (endedBefore.get(node) ?? ""));
}

/** Every metric of a bus, also without counts. Pure. */
export function countedFamilies(by: readonly CountedBy[]): Family[] {
  const samples = new Map<MetricId, Sample[]>();
  const add = (id: MetricId, some: readonly Sample[]): void => {
    const all = samples.get(id);
    if (all === undefined) samples.set(id, [...some]);
    else all.push(...some);
  };
  for (const { labels: who, counted } of by) {
    for (const [id, values, value] of counted.counters)
      add(id, [{ suffix: "", labels: [...who, ...named(METRICS[id], values)], value }]);
    for (const [id, values, histogram] of counted.histograms)
      add(id, histogramSamples(id, [...who, ...named(METRICS[id], values)], histogram));
  }
  const ids = Object.keys(METRICS) as MetricId[];
  return ids.map((id) => familyOf(METRICS[id], samples.get(id) ?? []));
}

/** The figures of a node by their metrics, in order of arrival, with a limit for each metric. Pure. */
export function figureFamilies(figures: Iterable<Figure>): Family[] {
  const samples = new Map<NodeMetricId, Sample[]>();
  for (const { metric, labels = [], value } of figures) {
    const all = samples.get(metric) ?? [];
    samples.set(metric, all);
    if (all.length < MAX_FIGURES)
      all.push({ suffix: "", labels: named(NODE_METRICS[metric], labels), value });
  }
  return [...samples].map(([id, some]) => familyOf(NODE_METRICS[id], some));
}

function familyOf({ name, type, help }: MetricDescription, samples: readonly Sample[]): Family {
  return { name, type, help, samples };
}

function named({ labels }: MetricDescription, values: readonly string[]): (readonly [string, string])[] {
  return labels.map((label, i) => [label, values[i] ?? ""] as const);
}

function histogramSamples(id: MetricId, labels: Sample["labels"], values: HistogramSnapshot): Sample[] {
  const isTime = METRICS[id].unit === "ms";
  const scale = isTime ? 1000 : 1;
  const bucket = (le: string, value: number): Sample => {
    return { suffix: "_bucket", labels: [...labels, ["le", le]], value };
  };
  return [
    ...(isTime ? BOUNDS_MS : BOUNDS).map((bound) => bucket(String(bound / scale), countUpTo(values, bound))),
    bucket("+Inf", values.count),
    { suffix: "_sum", labels, value: values.sum / scale },
    { suffix: "_count", labels, value: values.count },
  ];
}
