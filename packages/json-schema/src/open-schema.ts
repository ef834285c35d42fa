import { subschemas } from "./keywords/keywords.ts";
import type { JsonObject } from "./schema-document.ts";

/** Keywords that forbid undeclared properties; opened, they only declare properties. */
const CLOSING = ["additionalProperties", "unevaluatedProperties"];
/** Opened, these would refuse more, not less. */
const REVERSED = /^\/(if|not)$/;

/**
 * A copy of a schema that accepts undeclared properties, at any depth. `oneOf` becomes `anyOf`: once opened,
 * several of its alternatives may apply. Pure.
 */
export function openSchema(schema: Readonly<JsonObject>): JsonObject {
  const copy = structuredClone(schema) as JsonObject;
  open(copy);
  return copy;
}

function open(schema: JsonObject): void {
  for (const [pointer, inner] of subschemas(schema)) if (!REVERSED.test(pointer)) open(inner);
  for (const keyword of CLOSING) if (schema[keyword] === false) delete schema[keyword];
  const { oneOf, anyOf } = schema;
  if (oneOf === undefined) return;
  delete schema["oneOf"];
  if (anyOf === undefined) schema["anyOf"] = oneOf;
  else schema["allOf"] = [...(Array.isArray(schema["allOf"]) ? schema["allOf"] : []), { anyOf: oneOf }];
}
