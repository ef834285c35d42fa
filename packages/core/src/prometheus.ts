import { countUpTo, type HistogramSnapshot, mergeHistograms } from "./histogram.ts";
import { METRICS, type MetricId, type MetricsSnapshot } from "./metrics.ts";

/** Upper bounds that dashboards are used to, in milliseconds. */
const BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];
const BOUNDS = [1, 2, 3, 5, 8, 13];

interface Series {
  readonly labels: string;
  count: number;
  values: HistogramSnapshot | undefined;
}

/**
 * The sums of snapshots by node in Prometheus' text format (version 0.0.4), the metrics in the order of their catalogue.
 * Pure.
 */
export function prometheusText(snapshots: readonly MetricsSnapshot[]): string {
  const byMetric = sum(snapshots);
  const lines: string[] = [];
  for (const id of Object.keys(METRICS) as MetricId[]) {
    const { name, type, help } = METRICS[id];
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
    for (const series of byMetric.get(id)?.values() ?? []) lines.push(...linesOf(id, series));
  }
  return `${lines.join("\n")}\n`;
}

function sum(snapshots: readonly MetricsSnapshot[]): Map<MetricId, Map<string, Series>> {
  const byMetric = new Map<MetricId, Map<string, Series>>();
  const seriesOf = (id: MetricId, node: string, values: readonly string[]): Series | undefined => {
    // A later version of the mesh may have stored what this one does not know.
    if (!Object.hasOwn(METRICS, id)) return undefined;
    const labels = labelText(["node", ...METRICS[id].labels], [node, ...values]);
    const all = byMetric.get(id) ?? new Map<string, Series>();
    byMetric.set(id, all);
    const series = all.get(labels) ?? { labels, count: 0, values: undefined };
    all.set(labels, series);
    return series;
  };
  for (const { node, counters, histograms } of snapshots) {
    for (const [id, labels, count] of counters) {
      const series = seriesOf(id, node, labels);
      if (series !== undefined) series.count += count;
    }
    for (const [id, labels, values] of histograms) {
      const series = seriesOf(id, node, labels);
      if (series !== undefined)
        series.values = series.values === undefined ? values : mergeHistograms(series.values, values);
    }
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
