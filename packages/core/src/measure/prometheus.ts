import { countUpTo, type HistogramSnapshot } from "./histogram.ts";
import { METRICS, type MetricId, type MetricsSnapshot } from "./metrics.ts";

/** Upper bounds that dashboards are used to, in milliseconds. */
const BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];
const BOUNDS = [1, 2, 3, 5, 8, 13];

interface Series {
  readonly labels: string;
  readonly count: number;
  readonly values: HistogramSnapshot | undefined;
}

/**
 * What each process has counted since it began, in Prometheus' text format (version 0.0.4), the metrics in the order of
 * their catalogue. A process that has ended keeps its last word until its snapshots are gone; none ever counts down.
 * Pure.
 */
export function prometheusText(snapshots: readonly MetricsSnapshot[]): string {
  const byMetric = seriesByMetric(newestOfEach(snapshots));
  const lines: string[] = [];
  for (const id of Object.keys(METRICS) as MetricId[]) {
    const { name, type, help } = METRICS[id];
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
    for (const series of byMetric.get(id) ?? []) lines.push(...linesOf(id, series));
  }
  return `${lines.join("\n")}\n`;
}

/** Of each process the newest hour: its totals hold all that went before. */
function newestOfEach(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot[] {
  const newest = new Map<string, MetricsSnapshot>();
  for (const snapshot of snapshots) {
    const key = `${snapshot.node} ${snapshot.instance}`;
    if ((newest.get(key)?.hour ?? "") <= snapshot.hour) newest.set(key, snapshot);
  }
  return [...newest.values()];
}

function seriesByMetric(snapshots: readonly MetricsSnapshot[]): Map<MetricId, Series[]> {
  const byMetric = new Map<MetricId, Series[]>();
  const add = (id: MetricId, labels: string, count: number, values?: HistogramSnapshot): void => {
    const all = byMetric.get(id) ?? [];
    byMetric.set(id, all);
    all.push({ labels, count, values });
  };
  for (const { node, instance, totals } of snapshots) {
    const labelsOf = (id: MetricId, values: readonly string[]): string =>
      labelText(["node", "process", ...METRICS[id].labels], [node, instance, ...values]);
    for (const [id, labels, count] of totals.counters) add(id, labelsOf(id, labels), count);
    for (const [id, labels, values] of totals.histograms) add(id, labelsOf(id, labels), 0, values);
  }
  return byMetric;
}

function linesOf(id: MetricId, { labels, count, values }: Series): string[] {
  const { name } = METRICS[id];
  if (values === undefined) return [`${name}{${labels}} ${count}`];
  const isTime = METRICS[id].unit === "ms";
  const scale = isTime ? 1000 : 1;
  const buckets = (isTime ? BOUNDS_MS : BOUNDS).map(
    (bound) => `${name}_bucket{${labels},le="${bound / scale}"} ${countUpTo(values, bound)}`,
  );
  return [
    ...buckets,
    `${name}_bucket{${labels},le="+Inf"} ${values.count}`,
    `${name}_sum{${labels}} ${values.sum / scale}`,
    `${name}_count{${labels}} ${values.count}`,
  ];
}

function labelText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, i) => `${name}="${escapeLabel(values[i] ?? "")}"`).join(",");
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(help: string): string {
  return help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
