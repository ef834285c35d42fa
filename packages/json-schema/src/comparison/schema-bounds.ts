import { quote } from "@adaos/core/wire";
import { canonicalText } from "../canonical-text.ts";
import { LinearPattern } from "../keywords/linear-pattern.ts";
import type { JsonObject } from "../schema-document.ts";
import { type Facts, type JsonType, valuesOf } from "./schema-facts.ts";

/** A keyword that bounds a measure of the data. */
interface Bound {
  readonly keyword: string;
  readonly types: readonly JsonType[];
  readonly side: "least" | "most";
  measure(value: unknown): number;
}

const size = (value: unknown): number => Object.keys(value as object).length;
// JSON Schema counts code points.
const letters = (value: unknown): number => [...(value as string)].length;
const length = (value: unknown): number => (value as unknown[]).length;
const itself = (value: unknown): number => value as number;
const NUMBERS: readonly JsonType[] = ["integer", "number"];

const BOUNDS: readonly Bound[] = [
  { keyword: "minLength", types: ["string"], side: "least", measure: letters },
  { keyword: "maxLength", types: ["string"], side: "most", measure: letters },
  { keyword: "minItems", types: ["array"], side: "least", measure: length },
  { keyword: "maxItems", types: ["array"], side: "most", measure: length },
  { keyword: "minProperties", types: ["object"], side: "least", measure: size },
  { keyword: "maxProperties", types: ["object"], side: "most", measure: size },
];

/** The reader's bounds and lists of values that may refuse a writer's data. Pure. */
export function boundsGaps(facts: Facts, reader: JsonObject): string[] {
  return [
    ...listGaps(facts, reader),
    ...BOUNDS.flatMap((bound) => boundGaps(facts, reader, bound)),
    ...rangeGaps(facts, reader),
    ...textGaps(facts, reader),
    ...multipleGaps(facts, reader),
    ...uniqueGaps(facts, reader),
  ];
}

function listGaps({ values, types }: Facts, reader: JsonObject): string[] {
  const accepted = valuesOf(reader);
  if (accepted === undefined) return [];
  const texts = new Set(accepted.map(canonicalText));
  const sent = values ?? finite(types);
  if (sent === undefined) return [`may be other than ${shortly(accepted)}`];
  const refused = sent.filter((value) => !texts.has(canonicalText(value)));
  return refused.length === 0 ? [] : [`may be ${shortly(refused)}, which is not read`];
}

/** All values of types that have only a few. */
function finite(types: ReadonlySet<JsonType>): readonly unknown[] | undefined {
  if ([...types].some((type) => type !== "null" && type !== "boolean")) return undefined;
  return [...(types.has("null") ? [null] : []), ...(types.has("boolean") ? [false, true] : [])];
}

function boundGaps(facts: Facts, reader: JsonObject, { keyword, types, side, measure }: Bound): string[] {
  const wanted = reader[keyword];
  if (typeof wanted !== "number" || !types.some((type) => facts.types.has(type))) return [];
  const trivial = side === "least" && wanted <= 0;
  if (trivial) return [];
  const fits = (found: number): boolean => (side === "least" ? found >= wanted : found <= wanted);
  const type = types[0] ?? "null";
  if (facts.values !== undefined) {
    return facts.values.filter((value) => isOf(value, type)).every((value) => fits(measure(value)))
      ? []
      : [`${keyword} ${wanted} refuses what is sent`];
  }
  const known = facts.schemas.map((schema) => schema[keyword]).filter((bound) => typeof bound === "number");
  if (keyword === "minProperties") known.push(new Set(facts.schemas.flatMap(requiredOf)).size);
  if (known.some(fits)) return [];
  return [
    `${keyword} is ${wanted} now, ${known.length === 0 ? "and was none" : `and was ${known.join(", ")}`}`,
  ];
}

function requiredOf(schema: JsonObject): readonly string[] {
  return Array.isArray(schema["required"]) ? (schema["required"] as string[]) : [];
}

function isOf(value: unknown, type: JsonType): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}

interface Edge {
  readonly at: number;
  readonly open: boolean;
}

function rangeGaps(facts: Facts, reader: JsonObject): string[] {
  if (!NUMBERS.some((type) => facts.types.has(type))) return [];
  const gaps: string[] = [];
  for (const side of ["minimum", "maximum"] as const) {
    const wanted = edgeOf([reader], side);
    if (wanted === undefined) continue;
    const sign = side === "minimum" ? 1 : -1;
    const fits = ({ at, open }: Edge): boolean =>
      sign * at > sign * wanted.at || (at === wanted.at && (open || !wanted.open));
    const ok =
      facts.values === undefined
        ? fitsEdge(edgeOf(facts.schemas, side), fits)
        : facts.values
            .filter((value) => typeof value === "number")
            .every((at) => fits({ at: itself(at), open: false }));
    if (!ok)
      gaps.push(`${side} is ${wanted.at}${wanted.open ? " (excluded)" : ""} now, and less narrow before`);
  }
  return gaps;
}

function fitsEdge(edge: Edge | undefined, fits: (edge: Edge) => boolean): boolean {
  return edge !== undefined && fits(edge);
}

/** The tightest bound on that side. */
function edgeOf(schemas: readonly JsonObject[], side: "minimum" | "maximum"): Edge | undefined {
  const exclusive = side === "minimum" ? "exclusiveMinimum" : "exclusiveMaximum";
  const sign = side === "minimum" ? 1 : -1;
  const edges: Edge[] = [];
  for (const schema of schemas) {
    if (typeof schema[side] === "number") edges.push({ at: schema[side], open: false });
    if (typeof schema[exclusive] === "number") edges.push({ at: schema[exclusive], open: true });
  }
  return edges.sort((a, b) => sign * (b.at - a.at) || Number(b.open) - Number(a.open))[0];
}

function textGaps(facts: Facts, reader: JsonObject): string[] {
  if (!facts.types.has("string")) return [];
  const gaps: string[] = [];
  const { pattern, format } = reader;
  if (typeof pattern === "string") {
    const compiled = new LinearPattern(pattern);
    const fits =
      facts.values?.every((value) => typeof value !== "string" || compiled.test(value)) ??
      facts.schemas.some((schema) => schema["pattern"] === pattern);
    if (!fits) gaps.push(`pattern ${quote(pattern)} may refuse what is sent`);
  }
  if (typeof format === "string" && !facts.schemas.some((schema) => schema["format"] === format))
    gaps.push(`format ${quote(format)} may refuse what is sent`);
  for (const keyword of ["contentEncoding", "contentMediaType"]) {
    if (reader[keyword] !== undefined && !facts.schemas.some((schema) => schema[keyword] === reader[keyword]))
      gaps.push(`${keyword} has changed`);
  }
  return gaps;
}

function multipleGaps(facts: Facts, reader: JsonObject): string[] {
  const wanted = reader["multipleOf"];
  if (typeof wanted !== "number" || !NUMBERS.some((type) => facts.types.has(type))) return [];
  const whole = (quotient: number): boolean => Math.abs(quotient - Math.round(quotient)) < 1e-9;
  const fits =
    facts.values?.every((value) => typeof value !== "number" || whole(value / wanted)) ??
    ((!facts.types.has("number") && whole(1 / wanted)) ||
      facts.schemas.some(({ multipleOf: sent }) => typeof sent === "number" && whole(sent / wanted)));
  return fits ? [] : [`multipleOf ${wanted} may refuse what is sent`];
}

function uniqueGaps(facts: Facts, reader: JsonObject): string[] {
  if (reader["uniqueItems"] !== true || !facts.types.has("array")) return [];
  return facts.schemas.some((schema) => schema["uniqueItems"] === true) ? [] : ["items must be unique now"];
}

function shortly(values: readonly unknown[]): string {
  const text = values
    .slice(0, 5)
    .map((value) => JSON.stringify(value))
    .join(", ");
  return values.length > 5 ? `${text} and ${values.length - 5} more` : text;
}
