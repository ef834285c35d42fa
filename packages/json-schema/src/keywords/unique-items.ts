import type { FuncKeywordDefinition } from "ajv";
import { isObject } from "../schema-document.ts";

/**
 * `uniqueItems` with one look at each item. The validator compares all pairs: minutes for an event of the largest
 * size.
 */
export const UNIQUE_ITEMS: FuncKeywordDefinition = {
  keyword: "uniqueItems",
  type: "array",
  schemaType: "boolean",
  compile: (wanted: boolean) => (items: readonly unknown[]) =>
    !wanted || new Set(items.map(canonical)).size === items.length,
  error: { message: "must NOT have duplicate items" },
};

/** The same text for values that JSON Schema calls equal: the order of properties does not count. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "";
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  return `{${keys
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
    .join()}}`;
}
