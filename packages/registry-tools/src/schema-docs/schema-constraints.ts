import { isObject, type JsonObject } from "@adaos/json-schema";

/** Nobody reads a list of a thousand values. */
const MAX_VALUES = 50;
const MAX_LENGTH = 500;

/** The demands of a schema beside its type, in words; those of nested schemas are not included. Pure. */
export function constraintsOf(schema: JsonObject): string[] {
  return [
    ...values(schema),
    ...range(schema, "minLength", "maxLength", "characters"),
    ...range(schema, "minItems", "maxItems", "items"),
    ...range(schema, "minProperties", "maxProperties", "fields"),
    ...bounds(schema),
    ...["format", "pattern", "multipleOf", "contentEncoding", "contentMediaType"].flatMap((keyword) =>
      schema[keyword] === undefined ? [] : [`${keyword} ${shown(schema[keyword])}`],
    ),
    ...(schema["uniqueItems"] === true ? ["no item twice"] : []),
    ...(schema["additionalProperties"] === false || schema["unevaluatedProperties"] === false
      ? ["no other fields"]
      : []),
    ...(isObject(schema["propertyNames"])
      ? [`names: ${constraintsOf(schema["propertyNames"]).join(", ") || "see the schema"}`]
      : []),
    ...dependent(schema),
    ...(isObject(schema["not"]) ? [`not ${shown(schema["not"])}`] : []),
  ].map((text) => (text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 1)}…` : text));
}

function values(schema: JsonObject): string[] {
  if (Object.hasOwn(schema, "const")) return [`always ${JSON.stringify(schema["const"])}`];
  const { enum: listed } = schema;
  if (!Array.isArray(listed)) return [];
  const told = listed.slice(0, MAX_VALUES).map((value) => JSON.stringify(value));
  const more = listed.length > MAX_VALUES ? ` and ${listed.length - MAX_VALUES} more` : "";
  return [`one of ${told.join(", ")}${more}`];
}

function range(schema: JsonObject, least: string, most: string, what: string): string[] {
  const [from, to] = [schema[least], schema[most]];
  if (from === undefined && to === undefined) return [];
  if (from === undefined) return [`at most ${to} ${what}`];
  if (to === undefined) return [`at least ${from} ${what}`];
  return [from === to ? `${from} ${what}` : `${from} to ${to} ${what}`];
}

function bounds(schema: JsonObject): string[] {
  const signs = { minimum: "≥", exclusiveMinimum: ">", maximum: "≤", exclusiveMaximum: "<" };
  return Object.entries(signs).flatMap(([keyword, sign]) =>
    typeof schema[keyword] === "number" ? [`${sign} ${schema[keyword]}`] : [],
  );
}

function dependent(schema: JsonObject): string[] {
  return [schema["dependentRequired"], schema["dependencies"]].flatMap((map) =>
    Object.entries(isObject(map) ? map : {}).flatMap(([name, needed]) =>
      Array.isArray(needed) ? [`with ${name} also ${needed.join(", ")}`] : [],
    ),
  );
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
