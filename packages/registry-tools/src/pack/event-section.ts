import { estimateTokens } from "./estimate-tokens.ts";
import { fenced, jsonText, markdownText } from "./inert-text.ts";
import type { ReadContract } from "./read-contract.ts";

/** Paths of the files that a section leaves out. */
export interface SectionPlaces {
  readonly schema: string;
  readonly examples: string;
  readonly invalidExamples: string;
  readonly snippet: string;
}

/** Components that are named; the rest is counted. */
const MAX_NAMED = 20;

/**
 * Markdown about one event: its meaning, schema, examples, refused data with reasons, and its use. Beyond
 * `maxTokens` parts are replaced by their paths: first the schema, then examples, then the snippet. Pure.
 */
export function eventSection(
  contract: ReadContract,
  snippet: string,
  places: SectionPlaces,
  maxTokens: number,
): string {
  const blocks = [
    {
      title: "Schema",
      place: places.schema,
      text: fenced("json", jsonText(JSON.parse(contract.schemaText), 1)),
    },
    { title: "Invalid, with the error", place: places.invalidExamples, text: invalidText(contract) },
    { title: "Valid", place: places.examples, text: validText(contract) },
    { title: "Use", place: places.snippet, text: fenced("ts", snippet) },
  ];
  for (let left = 0; ; left++) {
    const shown = blocks.map(({ title, place, text }, i) =>
      i < left ? `${title}: left out, it is too large; read ${place}\n` : `${title} (${place}):\n\n${text}\n`,
    );
    const section = [head(contract), ...shown].join("\n");
    if (left === blocks.length || estimateTokens(section) <= maxTokens) return section;
  }
}

function head({ ref, record }: ReadContract): string {
  const { kind, status, summary, producers, consumers, required_headers: headers, semantics } = record;
  const lines = [
    `## ${ref}`,
    "",
    `${markdownText(summary)} (${kind}, ${status})`,
    "",
    `- published by ${components(producers)}; handled by ${components(consumers)}`,
    `- a repetition is known by its ${code(semantics.idempotency_key)}`,
  ];
  if (headers.length > 0) lines.push(`- needs ${headers.map(code).join(", ")}`);
  if (status === "deprecated") lines.push("- deprecated: not for new programs");
  if (status === "draft") lines.push("- a draft: it may change, and only who names its version finds it");
  return `${lines.join("\n")}\n`;
}

function components(names: readonly string[]): string {
  if (names.length === 0) return "nobody in particular";
  const shown = names.slice(0, MAX_NAMED).map(code).join(", ");
  return names.length > MAX_NAMED ? `${shown} and ${names.length - MAX_NAMED} more` : shown;
}

/** For names, which contain no backtick. */
function code(name: string): string {
  return `\`${name}\``;
}

function validText({ examples }: ReadContract): string {
  return examples.length === 0
    ? "none"
    : fenced("json", examples.map(({ data }) => jsonText(data)).join("\n"));
}

function invalidText({ invalidExamples }: ReadContract): string {
  if (invalidExamples.length === 0) return "none";
  return fenced("json", invalidExamples.map(({ error, data }) => jsonText({ error, data })).join("\n"));
}
