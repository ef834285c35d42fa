import { escapePointer, messageOf, quote } from "@adaos/core/wire";
import { isObject, type JsonObject } from "../schema-document.ts";
import { LinearPattern } from "./linear-pattern.ts";

/** Keywords whose value is a schema (in draft-07, `items` may be a list of them). */
const ONE = [
  "additionalItems",
  "additionalProperties",
  "contains",
  "contentSchema",
  "else",
  "if",
  "items",
  "not",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
];
const LISTS = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
const MAPS = ["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];

/** Keywords whose schemas apply to the same data as their parent. */
const IN_PLACE: ReadonlySet<string> = new Set(
  "allOf anyOf dependencies dependentSchemas else if not oneOf then".split(" "),
);

/** Whether the schema at this pointer applies to the same data, not to a part of it. */
export function isInPlace(pointer: string): boolean {
  return IN_PLACE.has(pointer.split("/")[1] ?? "");
}

/** A nested schema, and the pointer to it without a leading `#`. */
export type Subschema = readonly [pointer: string, schema: JsonObject];

/**
 * The direct subschemas of `schema`, in either draft. The value of `enum`, `const`, `default`, `examples` or an
 * unknown keyword is data, even if it looks like a schema.
 */
export function subschemas(schema: JsonObject): Subschema[] {
  const found: Subschema[] = [];
  const add = (value: unknown, pointer: string): void => {
    if (isObject(value)) found.push([pointer, value]);
  };
  for (const keyword of ONE) if (Object.hasOwn(schema, keyword)) add(schema[keyword], `/${keyword}`);
  for (const keyword of LISTS) {
    const list = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
    if (Array.isArray(list)) for (const [i, item] of list.entries()) add(item, `/${keyword}/${i}`);
  }
  for (const keyword of MAPS) {
    const map = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
    if (!isObject(map)) continue;
    for (const key of Object.keys(map)) add(map[key], `/${keyword}/${escapePointer(key)}`);
  }
  return found;
}

/** A copy of a schema with each direct subschema replaced. */
export function mapSubschemas(
  schema: JsonObject,
  change: (inner: JsonObject) => JsonObject | boolean,
): JsonObject {
  const changed = (value: unknown): unknown => (isObject(value) ? change(value) : value);
  const copy: JsonObject = { ...schema };
  const set = (keyword: string, value: unknown): void => {
    if (Object.hasOwn(schema, keyword)) copy[keyword] = value;
  };
  for (const keyword of ONE) set(keyword, changed(schema[keyword]));
  for (const keyword of LISTS) {
    const list = schema[keyword];
    if (Array.isArray(list)) set(keyword, list.map(changed));
  }
  for (const keyword of MAPS) {
    const map = schema[keyword];
    if (!isObject(map)) continue;
    // Defined, not assigned: a field may be called __proto__.
    set(keyword, Object.fromEntries(Object.entries(map).map(([key, value]) => [key, changed(value)])));
  }
  return copy;
}

/**
 * Removes keywords that JSON Schema does not define but the validator obeys: `nullable` would let null pass, and
 * `$async` would turn every verdict into a promise, which counts as true.
 */
export function disarm(schema: JsonObject): void {
  delete schema["nullable"];
  delete schema["$async"];
}

/** The problem of a pattern of this schema, without nested schemas, or undefined. */
export function patternProblem(schema: JsonObject): string | undefined {
  const keys = isObject(schema["patternProperties"]) ? Object.keys(schema["patternProperties"]) : [];
  for (const pattern of [schema["pattern"], ...keys]) {
    if (typeof pattern !== "string") continue;
    try {
      new LinearPattern(pattern);
    } catch (thrown) {
      return `${quote(pattern)} ${messageOf(thrown)}`;
    }
  }
  return undefined;
}
