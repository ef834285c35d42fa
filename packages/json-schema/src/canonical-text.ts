import type { JsonObject } from "./schema-document.ts";

/** JSON whose keys are sorted at every depth: the same for equal values. Pure. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    // Without a prototype: a key named __proto__ is data.
    const sorted: JsonObject = Object.create(null) as JsonObject;
    for (const name of Object.keys(inner).sort()) sorted[name] = (inner as JsonObject)[name];
    return sorted;
  });
}
