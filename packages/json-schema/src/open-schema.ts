import { subschemas } from "./keywords/keywords.ts";
import type { JsonObject } from "./schema-document.ts";

/** Forbid what they do not know; what else they do is to declare it. */
const CLOSING = ["additionalProperties", "unevaluatedProperties"];
/** Opened, these would refuse more, not less. */
const REVERSED = /^\/(if|not)$/;

/**
 * A copy of a schema that takes properties which it does not declare, at any depth. `oneOf` becomes `anyOf`:
 * alternatives that excluded each other by what they forbid would otherwise both hold. Pure.
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
