import { isObject, type JsonObject } from "@adaos/json-schema";

const MAX_DEPTH = 20;

/**
 * A schema that takes all these values: their types and properties; properties of all values are required. Pure.
 */
export function inferSchema(values: readonly unknown[], depth = 0): JsonObject {
  const types = [...new Set(values.map(typeOf))];
  const merged = types.includes("number") ? types.filter((type) => type !== "integer") : types;
  if (merged.length === 0 || depth > MAX_DEPTH) return {};
  const objects = values.filter(isObject);
  const lists = values.filter((value) => Array.isArray(value));
  return {
    type: merged.length === 1 ? merged[0] : merged.toSorted(),
    ...(objects.length === 0 ? {} : shapeOf(objects, depth)),
    ...(lists.length === 0 ? {} : { items: inferSchema(lists.flat(), depth + 1) }),
  };
}

function shapeOf(objects: readonly Readonly<Record<string, unknown>>[], depth: number): object {
  const keys = [...new Set(objects.flatMap((one) => Object.keys(one)))];
  const required = keys.filter((key) => objects.every((one) => Object.hasOwn(one, key)));
  const properties = keys.map((key) => {
    const held = objects.filter((one) => Object.hasOwn(one, key)).map((one) => one[key]);
    return [key, inferSchema(held, depth + 1)] as const;
  });
  return { ...(required.length === 0 ? {} : { required }), properties: Object.fromEntries(properties) };
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}
