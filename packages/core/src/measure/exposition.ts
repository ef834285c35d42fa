/** A metric with all its series, as an exposition lists them. */
export interface Family {
  readonly name: string;
  readonly type: "counter" | "histogram" | "gauge" | "info" | "summary";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** One line of a family. */
export interface Sample {
  /** Suffix after the family's name: `_bucket`, `_sum`, `_count`; mostly empty. */
  readonly suffix: string;
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly value: number;
}

/** Prometheus' text format 0.0.4, or OpenMetrics 1.0. */
export type ExpositionFormat = "text" | "openmetrics";

const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The answer to a scrape. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** Families in the format that the Accept header of a request asks for. Pure. */
export function answerScrape(families: Iterable<Family>, accept: string | undefined): Exposition {
  const format = formatFor(accept);
  return { contentType: CONTENT_TYPES[format], text: exposition(families, format) };
}

const WEIGHT = /;\s*q=([\d.]+)/;
const MAX_ACCEPT_LENGTH = 1000;

/** The format that an Accept header prefers: OpenMetrics when it is named and nothing else ranks higher. Pure. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  const wanted = { openmetrics: 0, text: 0 };
  for (const range of (accept ?? "").slice(0, MAX_ACCEPT_LENGTH).toLowerCase().split(",")) {
    const type = range.split(";", 1)[0]?.trim() ?? "";
    const weight = Number(WEIGHT.exec(range)?.[1] ?? 1);
    if (type === "application/openmetrics-text") wanted.openmetrics = Math.max(wanted.openmetrics, weight);
    else if (type === "text/plain") wanted.text = Math.max(wanted.text, weight);
  }
  return wanted.openmetrics > 0 && wanted.openmetrics >= wanted.text ? "openmetrics" : "text";
}

/** Merges families of the same name, in the place of the first. Pure. */
export function mergeFamilies(families: Iterable<Family>): Family[] {
  const byName = new Map<string, Family>();
  for (const family of families) {
    const known = byName.get(family.name);
    const samples = known === undefined ? family.samples : [...known.samples, ...family.samples];
    byName.set(family.name, { ...family, samples });
  }
  return [...byName.values()];
}

/** Formats families. No two may have the same name. Pure. */
export function exposition(families: Iterable<Family>, format: ExpositionFormat): string {
  const lines: string[] = [];
  const isOpen = format === "openmetrics";
  for (const { name, type, help, samples } of families) {
    const { family, shownType, ending } = isOpen ? openNames(name, type) : textNames(name, type);
    lines.push(`# HELP ${family} ${escapeHelp(help, isOpen)}`, `# TYPE ${family} ${shownType}`);
    for (const sample of samples) lines.push(lineOf(`${family}${ending}${sample.suffix}`, sample, isOpen));
  }
  if (isOpen) lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

interface Names {
  readonly family: string;
  readonly shownType: string;
  /** Comes between the family's name and the sample's suffix. */
  readonly ending: string;
}

function textNames(name: string, type: Family["type"]): Names {
  return { family: name, shownType: type === "info" ? "gauge" : type, ending: "" };
}

/** In OpenMetrics a counter's family name has no `_total`, and an info's no `_info`. */
function openNames(name: string, type: Family["type"]): Names {
  const ending = type === "counter" ? "_total" : type === "info" ? "_info" : "";
  if (ending === "" || !name.endsWith(ending)) return { family: name, shownType: type, ending };
  return { family: name.slice(0, -ending.length), shownType: type, ending };
}

function lineOf(name: string, { labels, value }: Sample, isOpen: boolean): string {
  const texts = labels.map(([label, text]) => {
    const shown = isOpen && label === "le" ? floatText(text) : text;
    return `${label}="${escapeLabel(shown)}"`;
  });
  return `${name}${texts.length === 0 ? "" : `{${texts.join(",")}}`} ${numberText(value)}`;
}

/** OpenMetrics requires bounds as floats, so that `1` and `1.0` are not two bounds. */
function floatText(text: string): string {
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(help: string, isOpen: boolean): string {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return isOpen ? escaped.replaceAll('"', '\\"') : escaped;
}
