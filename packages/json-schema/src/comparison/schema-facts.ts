import type { Branch } from "../all-of-branches.ts";
import { canonicalText } from "../canonical-text.ts";
import { isObject, type JsonObject } from "../schema-document.ts";

export type JsonType = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";

/** `number` here is a number that is not an integer. */
export const TYPES: readonly JsonType[] = [
  "null",
  "boolean",
  "integer",
  "number",
  "string",
  "array",
  "object",
];

/** Facts about all data that several schemas allow together. */
export interface Facts {
  readonly types: ReadonlySet<JsonType>;
  /** The only values allowed, if they are listed. */
  readonly values: readonly unknown[] | undefined;
  readonly schemas: readonly JsonObject[];
}

/** The types that a schema allows by `type`, `const` and `enum`. Pure. */
export function typesOf(schema: JsonObject): ReadonlySet<JsonType> {
  const declared = schema["type"];
  const names = declared === undefined ? TYPES : ([declared].flat() as string[]);
  const types = new Set(
    TYPES.filter((type) => names.includes(type) || (type === "integer" && names.includes("number"))),
  );
  const values = valuesOf(schema);
  if (values === undefined) return types;
  const present = new Set(values.map(typeOf));
  return new Set([...types].filter((type) => present.has(type)));
}

/** Pure. */
export function factsOf(branches: readonly Branch[]): Facts {
  const schemas = branches.map(({ schema }) => schema).filter(isObject);
  let types: ReadonlySet<JsonType> = new Set(TYPES);
  let values: readonly unknown[] | undefined;
  for (const schema of schemas) {
    const own = typesOf(schema);
    types = new Set([...types].filter((type) => own.has(type)));
    const listed = valuesOf(schema);
    if (listed === undefined) continue;
    const texts = new Set(listed.map(canonicalText));
    values = (values ?? listed).filter((value) => texts.has(canonicalText(value)));
  }
  values = values?.filter((value) => types.has(typeOf(value)));
  return { types, values, schemas };
}

/** The values that a schema lists, or undefined where it lists none. */
export function valuesOf(schema: JsonObject): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, "const")) return [schema["const"]];
  return Array.isArray(schema["enum"]) ? schema["enum"] : undefined;
}

function typeOf(value: unknown): JsonType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value as JsonType;
}
