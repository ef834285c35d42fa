import fc from "fast-check";

type Schema = Readonly<Record<string, unknown>>;

/**
 * Data that a schema allows, for the keywords in this repository's contracts. It ignores conditions (`if`): the
 * caller filters data that they refuse. Throws for a schema that it cannot read.
 */
export function dataOf(schema: Schema): fc.Arbitrary<unknown> {
  if (Array.isArray(schema["enum"])) return fc.constantFrom(...(schema["enum"] as unknown[]));
  if (Object.hasOwn(schema, "const")) return fc.constant(schema["const"]);
  switch (schema["type"]) {
    case "object":
      return objectOf(schema);
    case "array":
      return fc.array(dataOf((schema["items"] ?? {}) as Schema), { maxLength: 5 });
    case "string":
      return textOf(schema);
    case "integer":
      return fc.integer({ min: bound(schema, "minimum", -1000), max: bound(schema, "maximum", 1_000_000) });
    case "number":
      return fc
        .double({ min: bound(schema, "minimum", -1e6), max: bound(schema, "maximum", 1e6), noNaN: true })
        .map((value) => (Object.is(value, -0) ? 0 : value));
    case "boolean":
      return fc.boolean();
    case undefined:
      return fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    default:
      throw new Error(`no data for ${JSON.stringify(schema)}`);
  }
}

function bound(schema: Schema, keyword: string, otherwise: number): number {
  return typeof schema[keyword] === "number" ? schema[keyword] : otherwise;
}

function objectOf(schema: Schema): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Schema>);
  const known = fc.record(Object.fromEntries(properties.map(([name, inner]) => [name, dataOf(inner)])), {
    requiredKeys: (schema["required"] ?? []) as string[],
  });
  const rest = schema["additionalProperties"];
  if (typeof rest !== "object" || rest === null) return known;
  const maxKeys = Math.min(3, bound(schema, "maxProperties", 3));
  const others = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), dataOf(rest as Schema), { maxKeys });
  return fc.tuple(others, known).map(([more, own]) => ({ ...more, ...own }));
}

function textOf(schema: Schema): fc.Arbitrary<string> {
  const { pattern, format } = schema;
  if (format === "date-time")
    return fc
      .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (format === "uri") return fc.webUrl({ withQueryParameters: true });
  if (typeof pattern === "string") return fc.stringMatching(new RegExp(pattern));
  const minLength = bound(schema, "minLength", 0);
  const maxLength = Math.min(bound(schema, "maxLength", 40), minLength + 40);
  // Half a surrogate pair is not valid UTF-8, and does not survive the round trip.
  return fc
    .string({ minLength, maxLength, unit: "grapheme" })
    .filter((text) => [...text].length <= maxLength);
}
