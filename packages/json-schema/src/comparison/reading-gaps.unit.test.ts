import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../schema-document.ts";
import { SchemaValidators } from "../validator.ts";
import { readingGaps } from "./reading-gaps.ts";

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

function gaps(writer: JsonObject, reader: JsonObject): readonly string[] {
  const scope = (root: JsonObject) => ({ root, find: () => undefined });
  return readingGaps(scope(writer), scope(reader)).map(({ pointer, told }) => `${pointer} ${told}`);
}

function validators(schema: JsonObject): { writes(data: unknown): boolean; reads(data: unknown): boolean } {
  const document = {
    file: "schema.json",
    draft: "2020-12" as const,
    uri: "urn:test:0",
    id: undefined,
    schema,
    placeOf: () => "s.json:1:1",
  };
  const all = new SchemaValidators([document]);
  const [write, read] = [all.validatorOf(document), all.receiverOf(document)];
  return { writes: (data) => write(data).valid, reads: (data) => read(data).valid };
}

const BASE = { text: { type: "string" } };
const FIELDS = {
  required: { properties: { ...BASE, added: { type: "integer" } }, required: ["text", "added"] },
  default: { properties: { ...BASE, added: { type: "integer", default: 1 } }, required: ["text"] },
  optional: { properties: { ...BASE, added: { type: "integer" } }, required: ["text"] },
} as const;

describe("a field that is added or removed", () => {
  const rows = (["add", "remove"] as const).flatMap((change) =>
    (["required", "default", "optional"] as const).flatMap((field) =>
      (["open", "closed"] as const).flatMap((content) =>
        (["backward", "forward"] as const).map((direction) => ({ change, field, content, direction })),
      ),
    ),
  );

  test("is tried in all 24 combinations", () => {
    expect(rows).toHaveLength(24);
  });

  test.each(rows)("$change $field, $content content, $direction", ({ change, field, content, direction }) => {
    const closing = content === "closed" ? { additionalProperties: false } : {};
    const short = { type: "object", properties: BASE, required: ["text"], ...closing };
    const long = { type: "object", ...structuredClone(FIELDS[field]), ...closing } as JsonObject;
    const [older, newer] = change === "add" ? [short, long] : [long, short];
    const [writer, reader] = direction === "backward" ? [older, newer] : [newer, older];
    // Only a reader that requires the field of a writer that does not know it.
    const breaks = field === "required" && (change === "add") === (direction === "backward");
    expect(gaps(writer, reader).length > 0).toBe(breaks);
    const data = writer === long ? { text: "x", added: 1 } : { text: "x" };
    expect(validators(writer).writes(data)).toBe(true);
    expect(validators(reader).reads(data)).toBe(!breaks);
  });
});

const text = { type: "string" };
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "object",
  properties,
  additionalProperties: false,
  ...more,
});

describe("readingGaps()", () => {
  const fits: [string, JsonObject, JsonObject][] = [
    ["the same", object({ a: text }), object({ a: text })],
    ["annotations", object({ a: text }), object({ a: { type: "string", title: "A", "x-any": 1 } })],
    ["integer is read as number", object({ a: { type: "integer" } }), object({ a: { type: "number" } })],
    ["a wider enum", { enum: ["a", "b"] }, { enum: ["c", "b", "a"] }],
    ["one value of an enum", { const: "a" }, { enum: ["a", "b"] }],
    ["an enum is read as text", { enum: ["a", "b"] }, { type: "string", maxLength: 1 }],
    [
      "wider bounds",
      { type: "integer", minimum: 1, maximum: 5 },
      { type: "integer", minimum: 0, maximum: 9 },
    ],
    ["exclusive bounds", { type: "number", exclusiveMinimum: 0 }, { type: "number", minimum: 0 }],
    ["a longer text", { type: "string", maxLength: 5 }, { type: "string", maxLength: 6 }],
    ["one more alternative", { type: "string" }, { anyOf: [{ type: "integer" }, { type: "string" }] }],
    [
      "all alternatives are read",
      { anyOf: [{ type: "integer" }, { type: "null" }] },
      { type: ["null", "number"] },
    ],
    ["oneOf becomes anyOf", { oneOf: [{ const: 1 }, { const: 2 }] }, { anyOf: [{ const: 1 }, { const: 2 }] }],
    [
      "allOf instead of one",
      { type: "object", properties: { a: text }, required: ["a"] },
      { allOf: [{ type: "object" }, { required: ["a"] }] },
    ],
    [
      "a definition is moved",
      object({ a: text }),
      object({ a: { $ref: "#/$defs/t" } }, { $defs: { t: text } }),
    ],
    [
      "recursion",
      { $ref: "#/$defs/n", $defs: { n: object({ n: { $ref: "#/$defs/n" } }) } },
      { $ref: "#/$defs/m", $defs: { m: object({ n: { $ref: "#/$defs/m" }, b: text }) } },
    ],
    ["an unchanged pattern", { type: "string", pattern: "^a" }, { type: "string", pattern: "^a" }],
    ["a dropped pattern", { type: "string", pattern: "^a" }, { type: "string" }],
    ["a multiple", { type: "integer", multipleOf: 4 }, { type: "integer", multipleOf: 2 }],
    ["items", { type: "array", items: { type: "integer" } }, { type: "array", items: { type: "number" } }],
    [
      "a map",
      { additionalProperties: { type: "integer" }, type: "object" },
      { type: "object", additionalProperties: { type: "number" } },
    ],
  ];
  test.each(fits)("finds nothing: %s", (_, writer, reader) => {
    expect(gaps(writer, reader)).toEqual([]);
  });

  const breaks: [string, JsonObject, JsonObject, string][] = [
    ["another type", object({ a: text }), object({ a: { type: "integer" } }), "/a may be string"],
    ["number is read as integer", { type: "number" }, { type: "integer" }, "may be number"],
    ["a narrower enum", { enum: ["a", "b"] }, { enum: ["a"] }, 'may be "b"'],
    ["text is read as enum", { type: "string" }, { enum: ["a"] }, 'may be other than "a"'],
    ["a higher minimum", { type: "integer", minimum: 1 }, { type: "integer", minimum: 2 }, "minimum is 2"],
    [
      "an edge that is excluded",
      { type: "number", minimum: 0 },
      { type: "number", exclusiveMinimum: 0 },
      "excluded",
    ],
    ["a shorter text", { type: "string" }, { type: "string", maxLength: 6 }, "maxLength is 6"],
    ["another pattern", { type: "string", pattern: "^a" }, { type: "string", pattern: "^b" }, 'pattern "^b"'],
    ["a format", { type: "string" }, { type: "string", format: "email" }, 'format "email"'],
    [
      "fewer alternatives",
      { anyOf: [{ type: "integer" }, { type: "null" }] },
      { type: "integer" },
      "may be null",
    ],
    [
      "no alternative",
      { type: "boolean" },
      { anyOf: [{ type: "integer" }, { type: "null" }] },
      "none of the alternatives",
    ],
    [
      "a nested field is required",
      object({ a: object({ b: text }) }),
      object({ a: object({ b: text }, { required: ["b"] }) }),
      "/a/b is required",
    ],
    [
      "behind a definition",
      object({ a: { $ref: "#/$defs/t" } }, { $defs: { t: text } }),
      object({ a: { $ref: "#/$defs/t" } }, { $defs: { t: { type: "integer" } } }),
      "/a may be string",
    ],
    ["a changed not", { not: { const: 1 } }, { not: { const: 2 } }, "not has changed"],
    [
      "declared by one alternative",
      { type: "object", anyOf: [{ properties: { a: text } }, {}] },
      object({ a: { type: "integer" } }),
      "/a may be string",
    ],
    [
      "declared by a condition",
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      { type: "object", if: { required: ["b"] }, then: { properties: { a: text } } },
      object({ a: { type: "integer" } }),
      "/a may be",
    ],
    ["unique items", { type: "array" }, { type: "array", uniqueItems: true }, "unique"],
    [
      "a map's values",
      { type: "object", additionalProperties: text },
      { type: "object", additionalProperties: { type: "integer" } },
      "/* may be string",
    ],
    [
      "a new field of a map",
      { type: "object", additionalProperties: text },
      object({ a: { type: "integer" } }),
      "/a may be string",
    ],
    [
      "items of a tuple",
      { type: "array", prefixItems: [text] },
      { type: "array", prefixItems: [{ type: "null" }] },
      "/0 may be string",
    ],
    [
      "one condition with what followed from another",
      {
        allOf: [
          // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
          { if: { minimum: 5 }, then: { multipleOf: 2 } },
          // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
          { if: { minimum: 9 }, then: { maximum: 20 } },
        ],
      },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      { if: { minimum: 5 }, then: { maximum: 20 } },
      "if has changed",
    ],
    [
      "a reference where there was none",
      object({ a: {} }),
      object({ a: { $ref: "#/$defs/t" } }, { $defs: { t: { type: "string", maxLength: 3 } } }),
      "/a may be",
    ],
    [
      "a narrow schema among very many",
      { type: "integer" },
      { allOf: [{ minimum: 5 }, ...Array.from({ length: 250 }, (_, i) => ({ title: `${i}` }))] },
      "has changed, which cannot be judged",
    ],
    [
      "what draft-07 ignores beside a reference",
      {
        $schema: "http://json-schema.org/draft-07/schema#",
        type: "object",
        properties: { a: { $ref: "#/definitions/t", maxLength: 2 } },
        definitions: { t: { type: "string" } },
      },
      object({ a: { type: "string", maxLength: 2 } }),
      "maxLength is 2",
    ],
    ["all at once", true as never, { type: "object" }, "may be"],
  ];
  test.each(breaks)("finds it: %s", (_, writer, reader, told) => {
    expect(gaps(writer, reader).join("\n")).toContain(told);
  });

  test("what it calls compatible is read, whatever the schemas", () => {
    let compatible = 0;
    let data = 0;
    fc.assert(
      fc.property(
        pairs,
        fc.array(values, { minLength: 20, maxLength: 20 }),
        ([writer, reader], candidates) => {
          if (gaps(structuredClone(writer), structuredClone(reader)).length > 0) return;
          compatible++;
          const [sending, receiving] = [
            validators(structuredClone(writer)),
            validators(structuredClone(reader)),
          ];
          for (const candidate of candidates) {
            if (!declared(writer, candidate) || !sending.writes(candidate)) continue;
            data++;
            expect(receiving.reads(candidate), JSON.stringify({ writer, reader, candidate })).toBe(true);
          }
        },
      ),
      // The same pairs each time: what others find becomes a case of its own above.
      { numRuns: 1000, seed: 20_261_121 },
    );
    process.stdout.write(`${compatible} compatible pairs, ${data} documents read, 0 refused\n`);
    expect(compatible).toBeGreaterThan(100);
    expect(data).toBeGreaterThan(100);
  });
});

const NAMES = ["a", "b", "c"];
const values: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<unknown>(null, true, 0, 1, 2, 5, 0.5, "", "a", "ab", "abc"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie("value"), { maxKeys: 3 }),
  ),
})).value;

const scalars: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record({ type: fc.constantFrom("null", "boolean", "integer", "number", "string", "object", "array") }),
  fc.record({ type: fc.constant("integer"), minimum: fc.constantFrom(0, 1, 2) }),
  fc.record({
    type: fc.constant("number"),
    exclusiveMaximum: fc.constantFrom(1, 2, 5),
    multipleOf: fc.constantFrom(0.5, 1),
  }),
  fc.record({
    type: fc.constant("string"),
    minLength: fc.constantFrom(0, 1, 2),
    maxLength: fc.constantFrom(2, 3),
  }),
  fc.record({
    enum: fc.uniqueArray(fc.constantFrom<unknown>(null, 1, 2, "a", "ab"), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ const: fc.constantFrom<unknown>(1, "a", null) }),
  fc.record({ pattern: fc.constantFrom("^a", "b"), type: fc.constant("string") }),
);
const schemas: fc.Arbitrary<JsonObject> = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { weight: 3, arbitrary: scalars },
    {
      weight: 3,
      arbitrary: fc.record(
        {
          type: fc.constant("object"),
          properties: fc.dictionary(fc.constantFrom(...NAMES), tie("schema"), { maxKeys: 3 }),
          required: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
          additionalProperties: fc.oneof(fc.constant(false), tie("schema")),
          minProperties: fc.constantFrom(0, 1, 2),
        },
        { requiredKeys: ["type", "properties"] },
      ),
    },
    fc.record(
      {
        type: fc.constant("array"),
        items: tie("schema"),
        minItems: fc.constantFrom(0, 1),
        maxItems: fc.constantFrom(1, 2, 3),
        uniqueItems: fc.boolean(),
      },
      { requiredKeys: ["type"] },
    ),
    fc.record({ prefixItems: fc.array(tie("schema"), { minLength: 1, maxLength: 2 }), items: tie("schema") }),
    fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ oneOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie("schema"), { minLength: 1, maxLength: 2 }) }),
    fc.record({ not: tie("schema") }),
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    fc.record({ if: tie("schema"), then: tie("schema"), else: tie("schema") }),
  ),
})).schema;

/** Two schemas; often one is the other with something changed. */
const pairs: fc.Arbitrary<[JsonObject, JsonObject]> = fc.oneof(
  fc.tuple(schemas, schemas),
  fc
    .tuple(schemas, schemas, fc.nat(50))
    .map(([base, other, at]): [JsonObject, JsonObject] => [base, changed(base, other, at)]),
  fc
    .tuple(schemas, schemas, fc.nat(50))
    .map(([base, other, at]): [JsonObject, JsonObject] => [changed(base, other, at), base]),
);

/** A copy with the schema or the key of that number replaced or removed. */
function changed(base: JsonObject, other: JsonObject, at: number): JsonObject {
  const copy = structuredClone(base);
  const places: [JsonObject, string][] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as JsonObject, key]);
      collect((value as JsonObject)[key]);
    }
  };
  collect(copy);
  const [place, key] = places[at % Math.max(1, places.length)] ?? [];
  if (place === undefined || key === undefined) return other;
  const value = place[key];
  if (typeof value === "object" && value !== null && !Array.isArray(value) && key !== "properties")
    place[key] = other;
  else if (typeof value === "number") place[key] = value + 1;
  else if (
    !Array.isArray(place) &&
    !["type", "anyOf", "oneOf", "allOf", "prefixItems", "enum", "properties"].includes(key)
  )
    delete place[key];
  return copy;
}

/**
 * Whether a writer sends this: only properties that its schema declares for that place, in whichever branch. That is a
 * little too much: data may fit one branch, which does not declare a property, and another branch declares it
 * otherwise.
 */
function declared(schema: JsonObject, data: unknown): boolean {
  return declaredBy([schema], data);
}

function declaredBy(schemas: readonly unknown[], data: unknown): boolean {
  if (typeof data !== "object" || data === null) return true;
  const all = schemas.flatMap(inPlace);
  if (Array.isArray(data))
    return data.every((item, i) =>
      declaredBy(
        all.flatMap((one) => itemsOf(one, i)),
        item,
      ),
    );
  return Object.entries(data).every(([name, value]) => {
    const found = all.flatMap(({ properties, additionalProperties: rest }) => {
      if (Object.hasOwn((properties ?? {}) as JsonObject, name)) return [(properties as JsonObject)[name]];
      return typeof rest === "object" ? [rest] : [];
    });
    return found.length > 0 && declaredBy(found, value);
  });
}

/** A schema and those that judge the same place. */
function inPlace(schema: unknown): JsonObject[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { anyOf, oneOf, allOf, if: condition, then, else: otherwise } = schema as JsonObject;
  const inner = [anyOf, oneOf, allOf, condition, then, otherwise].flat().filter((one) => one !== undefined);
  return [schema as JsonObject, ...inner.flatMap(inPlace)];
}

function itemsOf({ items, prefixItems }: JsonObject, index: number): unknown[] {
  const first = Array.isArray(prefixItems) ? (prefixItems as unknown[])[index] : undefined;
  return [first ?? items].filter((one) => one !== undefined);
}

test("the dialect is the one that registries are written in", () => {
  expect(gaps({ $schema: DIALECT, type: "string" }, { type: "string" })).toEqual([]);
});
