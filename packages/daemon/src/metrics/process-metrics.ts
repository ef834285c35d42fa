import type { Family } from "@adaos/core/wire";

/** What `process_*` and `nodejs_*` are now. */
export type ReadProcess = () => Promise<readonly Family[]>;

let loading: Promise<ReadProcess> | undefined;

/**
 * Metrics of this process and of its Node. The library that takes them is loaded when they are asked for first: a
 * daemon that nobody scrapes holds none of it.
 */
export async function processFamilies(): Promise<readonly Family[]> {
  loading ??= load();
  return await (await loading)();
}

async function load(): Promise<ReadProcess> {
  // By its default: bundled, a CommonJS module that is loaded on demand has no names.
  const { collectDefaultMetrics, Registry } = (await import("prom-client")).default;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return async () => (await registry.getMetricsAsJSON()).map(familyOf);
}

/** A metric as the library tells it: each value may bear a name of its own, which begins with that of the metric. */
interface Told {
  readonly name: string;
  readonly help: string;
  readonly type: unknown;
  readonly values?: readonly {
    readonly value: number;
    readonly labels: Readonly<Partial<Record<string, string | number>>>;
    readonly metricName?: string;
  }[];
}

function familyOf({ name, help, type, values = [] }: Told): Family {
  const known = type === "counter" || type === "histogram" || type === "summary" ? type : "gauge";
  const samples = values.map(({ value, labels, metricName = name }) => {
    const pairs = Object.entries(labels).map(([label, text]) => [label, leText(label, text)] as const);
    return { suffix: metricName.slice(name.length), labels: pairs, value };
  });
  return { name, type: known, help, samples };
}

function leText(label: string, text: string | number | undefined): string {
  return label === "le" && text === Number.POSITIVE_INFINITY ? "+Inf" : String(text);
}
