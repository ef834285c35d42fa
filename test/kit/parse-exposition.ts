/** One parsed sample. */
export interface ReadSample {
  readonly family: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface ReadFamily {
  help?: string;
  type?: string;
}

const SUFFIXES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  text: {
    counter: [""],
    gauge: [""],
    histogram: ["_bucket", "_sum", "_count"],
    summary: ["", "_sum", "_count"],
  },
  openmetrics: {
    counter: ["_total"],
    gauge: [""],
    info: ["_info"],
    histogram: ["_bucket", "_sum", "_count"],
    summary: ["", "_sum", "_count"],
  },
};

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,?)/y;

/**
 * Parses an exposition strictly. Each family has its help and type once and before its samples, no series comes
 * twice, families do not mix, buckets only grow, and OpenMetrics ends with `# EOF`. Throws at the first violation.
 */
export function parseExposition(text: string, format: "text" | "openmetrics"): ReadSample[] {
  if (!text.endsWith("\n")) throw new Error("the last line is not ended");
  const lines = text.slice(0, -1).split("\n");
  if (format === "openmetrics" && lines.pop() !== "# EOF") throw new Error("# EOF is not the last line");
  const families = new Map<string, ReadFamily>();
  const seen = new Set<string>();
  const samples: ReadSample[] = [];
  let current = "";
  for (const line of lines) {
    const meta = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (meta !== null) {
      const [, kind = "", name = "", rest = ""] = meta;
      if (name !== current && families.has(name)) throw new Error(`${name} comes twice`);
      current = name;
      const family = families.get(name) ?? {};
      families.set(name, family);
      const key = kind === "HELP" ? "help" : "type";
      if (family[key] !== undefined) throw new Error(`${kind} of ${name} comes twice`);
      if (samples.at(-1)?.family === name) throw new Error(`${kind} of ${name} comes after its samples`);
      family[key] = rest;
      continue;
    }
    const sample = sampleOf(line, current, families.get(current), format);
    const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(key)) throw new Error(`the series comes twice: ${line}`);
    seen.add(key);
    samples.push(sample);
  }
  assertHistograms(samples, families);
  return samples;
}

function sampleOf(
  line: string,
  current: string,
  family: ReadFamily | undefined,
  format: "text" | "openmetrics",
): ReadSample {
  const [, name = "", braced, number = ""] =
    new RegExp(`^(${NAME})(\\{.*\\})? (\\S+)$`).exec(line) ?? ([] as string[]);
  const { type = "", help } = family ?? {};
  if (help === undefined) throw new Error(`no HELP before: ${line}`);
  const suffixes = SUFFIXES[format]?.[type];
  if (suffixes === undefined) throw new Error(`${type} is no type of ${format}: ${line}`);
  if (!suffixes.some((suffix) => name === `${current}${suffix}`))
    throw new Error(`no sample of the ${type} ${current}: ${line}`);
  if (!/^([+-]Inf|NaN|[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)$/i.test(number))
    throw new Error(`no number: ${line}`);
  const value = Number(number.replace("Inf", "Infinity"));
  if (type === "counter" && !(value >= 0)) throw new Error(`a counter below 0: ${line}`);
  return { family: current, name, labels: labelsOf(braced, line), value };
}

function labelsOf(braced: string | undefined, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  const inside = braced?.slice(1, -1) ?? "";
  let at = 0;
  while (at < inside.length) {
    LABEL.lastIndex = at;
    const [whole, name = "", value = "", comma] = LABEL.exec(inside) ?? [];
    if (whole === undefined) throw new Error(`no label at ${at} of ${line}`);
    if (name in labels) throw new Error(`the label ${name} comes twice: ${line}`);
    at += whole.length;
    if ((comma === ",") !== at < inside.length) throw new Error(`a comma too many or few: ${line}`);
    labels[name] = value.replaceAll(/\\(.)/g, (_, one: string) => (one === "n" ? "\n" : one));
  }
  return labels;
}

function assertHistograms(samples: readonly ReadSample[], families: ReadonlyMap<string, ReadFamily>): void {
  const last = new Map<string, { readonly le: number; readonly value: number }>();
  for (const { family, name, labels, value } of samples) {
    if (families.get(family)?.type !== "histogram") continue;
    const { le, ...own } = labels;
    const key = `${family}${JSON.stringify(Object.entries(own).sort())}`;
    const before = last.get(key);
    if (name.endsWith("_bucket")) {
      const bound = Number((le ?? "none").replace("+Inf", "Infinity"));
      if (Number.isNaN(bound)) throw new Error(`a bucket of ${key} has no bound`);
      if (before !== undefined && (bound <= before.le || value < before.value))
        throw new Error(`the buckets of ${key} do not grow`);
      last.set(key, { le: bound, value });
    } else if (name.endsWith("_count") && (before?.le !== Infinity || before.value !== value))
      throw new Error(`the last bucket of ${key} is not its count`);
  }
}

/** The value of the only series of this name with these labels among others; undefined where there is none. */
export function readValue(
  samples: readonly ReadSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length > 1) throw new Error(`${found.length} series of ${name} ${JSON.stringify(labels)}`);
  return found[0]?.value;
}
