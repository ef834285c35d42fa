import { escapePointer, messageOf } from "@adaos/core";
import { isObject, type JsonObject } from "./schema-document.ts";

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

/** A schema within a schema and the pointer from the outer to it, without a leading `#`. */
export type Subschema = readonly [pointer: string, schema: JsonObject];

/**
 * The schemas directly within `schema`, in either draft. What stands under `enum`, `const`, `default`, `examples`
 * or an unknown keyword is data, however much it looks like a schema.
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

/**
 * Removes what JSON Schema does not know but the validator acts on: `nullable` would let null pass,
 * `$async` would turn every verdict into a promise, which counts as true.
 */
export function disarm(schema: JsonObject): void {
  delete schema["nullable"];
  delete schema["$async"];
}

/** Says which pattern of this schema, not of those within, is no regular expression; or nothing. */
export function patternProblem(schema: JsonObject): string | undefined {
  const keys = isObject(schema["patternProperties"]) ? Object.keys(schema["patternProperties"]) : [];
  for (const pattern of [schema["pattern"], ...keys]) {
    if (typeof pattern !== "string") continue;
    try {
      new RegExp(pattern, "u");
    } catch (thrown) {
      return messageOf(thrown);
    }
  }
  return undefined;
}
