import type { Family } from "@adaos/core/wire";

/** Reads the present `process_*` and `nodejs_*` metrics. */
export type ReadProcess = () => Promise<readonly Family[]>;

let loading: Promise<ReadProcess> | undefined;

/**
 * Metrics of this process and of its Node. The library is loaded at the first scrape, so that a daemon without scrapes
 * does not keep it in memory.
 */
export async function processFamilies(): Promise<readonly Family[]> {
  loading ??= load();
  return await (await loading)();
}

async function load(): Promise<ReadProcess> {
  // Through the default export: a bundled CommonJS module that is loaded on demand has no named exports.
  const { collectDefaultMetrics, Registry } = (await import("prom-client")).default;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return async () => (await registry.getMetricsAsJSON()).map(familyOf);
}

/** A metric in the library's form: each value may have its own name, which begins with the metric's. */
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
