import { MeshError, type Validation } from "@adaos/core";
import { describe, expect, test } from "vitest";
import { parseSchemaDocument } from "./schema-document.ts";
import { SchemaValidators } from "./validator.ts";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";
const DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema";

type Schemas = Readonly<Record<string, object>>;

function validatorsOf(schemas: Schemas): Map<string, (data: unknown) => Validation> {
  const documents = Object.entries(schemas).flatMap(
    ([file, schema], i) => parseSchemaDocument(JSON.stringify(schema), file, `urn:test:${i}`) ?? [],
  );
  const validators = new SchemaValidators(documents);
  return new Map(documents.map((document) => [document.file, validators.validatorOf(document)]));
}

/** The first violation of `data` as "<pointer> <expected>", `valid` where there is none. */
function verdict(schema: object, data: unknown): string {
  const validate = validatorsOf({ "a.json": schema }).get("a.json");
  const { valid, violations } = validate?.(data) ?? { valid: false, violations: [] };
  const [violation] = violations;
  return valid ? "valid" : `${violation?.pointer} ${violation?.expected}`;
}

function refusal(schemas: Schemas): string {
  try {
    validatorsOf(schemas);
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "invalid-config") return thrown.message;
    throw thrown;
  }
  return "no refusal";
}

describe("violations", () => {
  test.each([
    ["a missing property", { required: ["locale"] }, {}, "/locale is required"],
    ["an extra property", { additionalProperties: false }, { x: 1 }, "/x is no property of the schema"],
    [
      "an unevaluated property",
      { unevaluatedProperties: false },
      { x: 1 },
      "/x is no property of the schema",
    ],
    [
      "a wrong type",
      { properties: { n: { type: ["number", "null"] } } },
      { n: "1" },
      "/n must be number or null",
    ],
    ["a wrong constant", { properties: { n: { const: "a" } } }, { n: "b" }, '/n must be "a"'],
    ["no member of an enum", { properties: { n: { enum: ["a", 1] } } }, { n: 2 }, '/n must be one of "a", 1'],
    ["a number out of range", { properties: { n: { maximum: 1 } } }, { n: 2 }, "/n must be <= 1"],
    ["a forbidden property", { properties: { n: false } }, { n: 2 }, "/n must be absent"],
    ["a dependent property", { dependentRequired: { a: ["b"] } }, { a: 1 }, '/b is required beside "a"'],
    [
      "a wrong property name",
      { propertyNames: { pattern: "^[a-z]+$" } },
      { A: 1 },
      '/A has a name that must match pattern "^[a-z]+$"',
    ],
    ["an item of an array", { items: { type: "string" } }, ["a", 1], "/1 must be string"],
    ["the data itself", { type: "object" }, 1, " must be object"],
    [
      "names that need escapes",
      { properties: { "a/b~c": { type: "null" } } },
      { "a/b~c": 1 },
      "/a~1b~0c must be null",
    ],
    [
      "extra names that need escapes",
      { additionalProperties: false },
      { "a/b~c": 1 },
      "/a~1b~0c is no property of the schema",
    ],
  ])("name %s", (_, schema, data, expected) => {
    expect(verdict(schema, data)).toBe(expected);
  });

  test("put the deepest first when branches of a schema all refuse", () => {
    const schema = { properties: { u: { anyOf: [{ type: "null" }, { required: ["id"] }] } } };
    expect(verdict(schema, { u: {} })).toBe("/u/id is required");
  });

  test("are at most 20 and of bounded length", () => {
    const anyOf = Array.from({ length: 50 }, (_, i) => ({
      properties: { n: { const: i } },
      required: ["n"],
    }));
    const validate = validatorsOf({ "a.json": { anyOf, additionalProperties: false } }).get("a.json");
    expect(validate?.({ n: -1 }).violations).toHaveLength(20);
    const strict = { additionalProperties: false };
    expect(verdict(strict, { ["k".repeat(100_000)]: 1 }).length).toBeLessThan(600);
  });
});

describe("formats and keywords", () => {
  test("asserts formats, in both drafts", () => {
    for (const $schema of [DRAFT_07, DRAFT_2020]) {
      expect(verdict({ $schema, format: "date-time" }, "yesterday")).toBe(' must match format "date-time"');
    }
  });

  test("takes unknown keywords and formats for annotations", () => {
    const schema = { tsAdditionalProperties: false, "x-version": "1.0.0", id: "urn:old", format: "color" };
    for (const $schema of [DRAFT_07, DRAFT_2020])
      expect(verdict({ $schema, ...schema }, "any")).toBe("valid");
  });

  test("takes for annotations what only the validator's authors made a keyword", () => {
    expect(verdict({ type: "string", nullable: true }, null)).toBe(" must be string");
    expect(verdict({ nullable: true }, null)).toBe("valid");
    expect(verdict({ $async: true, type: "string" }, 1)).toBe(" must be string");
    expect(verdict({ type: "string", formatMinimum: "2999-01-01", format: "date" }, "2000-01-01")).toBe(
      "valid",
    );
  });

  test("refuses numbers that JSON cannot hold", () => {
    expect(verdict({ type: "number" }, Number.NaN)).toBe(" must be number");
  });

  test("counts decimal multiples as people do", () => {
    expect(verdict({ multipleOf: 0.01 }, 19.99)).toBe("valid");
    expect(verdict({ multipleOf: 0.01 }, 19.995)).toBe(" must be multiple of 0.01");
  });

  test("takes only own properties for data", () => {
    expect(verdict({ required: ["constructor"] }, {})).toBe("/constructor is required");
  });

  test("judges by patterns and unique items without going back and forth", () => {
    const text = `${"a".repeat(50_000)}!`;
    const startedMs = performance.now();
    expect(verdict({ pattern: "^(a+)+$" }, text)).toBe(' must match pattern "^(a+)+$"');
    expect(verdict({ patternProperties: { "^(a+)+$": false } }, { [text]: 1 })).toBe("valid");
    expect(
      verdict(
        { uniqueItems: true },
        Array.from({ length: 100_000 }, (_, i) => ({ i })),
      ),
    ).toBe("valid");
    expect(verdict({ format: "url" }, `http://${":".repeat(100_000)}`)).toBe(' must match format "url"');
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  test.each([
    [[1, 1.0], false],
    [
      [
        { a: 1, b: [2] },
        { b: [2], a: 1 },
      ],
      false,
    ],
    [[0, -0], false],
    [[1, "1", true, null, "null", [], {}, [1], { a: 1 }], true],
    [[["a,b"], ["a", "b"]], true],
  ])("tells items that are alike: %j", (items, unique) => {
    expect(verdict({ uniqueItems: true }, items)).toBe(unique ? "valid" : " must NOT have duplicate items");
    expect(verdict({ uniqueItems: false }, items)).toBe("valid");
  });

  test("refuses a pattern that is no regular expression before any data comes", () => {
    expect(refusal({ "a.json": { properties: { x: { pattern: "(" } } } })).toMatch(
      /^a\.json: \/properties\/x has a bad/,
    );
    expect(refusal({ "a.json": { pattern: "^(?!x)" } })).toBe(
      'a.json: the root has a bad pattern: "^(?!x)" has a look-around, a back-reference or another part that takes more than linear time',
    );
    expect(refusal({ "a.json": { patternProperties: { "[": true } } })).toMatch(
      /^a\.json: the root has a bad pattern/,
    );
  });

  test("answers when data goes deeper than the stack", () => {
    const circle: Record<string, unknown> = {};
    circle["next"] = circle;
    expect(verdict({ properties: { next: { $ref: "#" } } }, circle)).toBe(" must nest less deeply");
  });
});

describe("drafts", () => {
  test("2020-12 is the default; others than the two are refused", () => {
    expect(verdict({ prefixItems: [{ type: "string" }] }, [1])).toBe("/0 must be string");
    const message = refusal({ "a.json": { $schema: "http://json-schema.org/draft-04/schema#" } });
    expect(message).toContain("a.json");
    expect(message).toContain("draft/2020-12/schema");
    expect(message).toContain("draft-07/schema#");
  });

  test("an array of items is a tuple in draft-07 and no schema in 2020-12", () => {
    const items = [{ type: "string" }];
    expect(verdict({ $schema: DRAFT_07, items }, [1])).toBe("/0 must be string");
    expect(refusal({ "a.json": { $schema: DRAFT_2020, items } })).toMatch(
      /^a\.json: not a 2020-12 schema: \/items /,
    );
  });

  test.each([
    ["prefixItems", { prefixItems: [{ type: "string" }] }, [1], "valid", "/0 must be string"],
    ["additionalItems", { additionalItems: false, items: true }, [1], "valid", "valid"],
    ["dependencies", { dependencies: { a: ["b"] } }, { a: 1 }, '/b is required beside "a"', "valid"],
    [
      "dependentRequired",
      { dependentRequired: { a: ["b"] } },
      { a: 1 },
      "valid",
      '/b is required beside "a"',
    ],
    [
      "unevaluatedProperties",
      { unevaluatedProperties: false },
      { a: 1 },
      "valid",
      "/a is no property of the schema",
    ],
    [
      "keywords beside $ref",
      { properties: { a: { $ref: "#/definitions/t", const: "x" } }, definitions: { t: { type: "string" } } },
      { a: "y" },
      "valid",
      '/a must be "x"',
    ],
  ])("%s differs as the drafts do", (_, schema, data, in07, in2020) => {
    expect(verdict({ $schema: DRAFT_07, ...schema }, data)).toBe(in07);
    expect(verdict({ $schema: DRAFT_2020, ...schema }, data)).toBe(in2020);
  });
});

describe("references", () => {
  test("reach definitions, anchors, embedded schemas and what stands under unknown keywords", () => {
    const schema = {
      $id: "https://example.org/a",
      properties: {
        def: { $ref: "#/$defs/a~1b" },
        anchor: { $ref: "#here" },
        rootAnchor: { $ref: "#root" },
        embedded: { $ref: "inner" },
        extension: { $ref: "#/x-types/t" },
      },
      $defs: {
        "a/b": { type: "string" },
        anchored: { $anchor: "here", type: "string" },
        inner: { $id: "inner", type: "string" },
      },
      "x-types": { t: { type: "string" } },
      $anchor: "root",
      type: ["object", "string"],
    };
    for (const name of Object.keys(schema.properties)) {
      expect(verdict(schema, { [name]: 1 })).toMatch(`/${name} must be `);
      expect(verdict(schema, { [name]: "s" })).toBe("valid");
    }
  });

  test("reach other schemas of the registry by $id, wherever they stand in it", () => {
    const shared = { $id: "urn:adaos:schema:shared:v1", $defs: { port: { type: "integer" } } };
    const user = {
      $id: "urn:adaos:schema:user:v1",
      properties: { p: { $ref: "urn:adaos:schema:shared:v1#/$defs/port" } },
    };
    const validate = validatorsOf({ "user.json": user, "shared.json": shared }).get("user.json");
    expect(validate?.({ p: "x" }).violations).toEqual([{ pointer: "/p", expected: "must be integer" }]);
    expect(validate?.({ p: 1 }).valid).toBe(true);
  });

  test.each([
    ["a definition that is not there", { $ref: "#/$defs/none" }],
    ["an anchor that is not there", { $ref: "#none" }],
    ["a file", { $ref: "other.json" }],
    ["the network", { $ref: "https://example.org/none.json" }],
    ["a place that holds no schema", { $ref: "#/title", title: "text" }],
  ])("to %s are refused with file, place and reference", (_, schema) => {
    const message = refusal({ "a.json": { properties: { x: schema } } });
    expect(message).toMatch(/^a\.json: \$ref ".+" at \/properties\/x has no /);
    expect(message).toContain(JSON.stringify(schema.$ref));
  });

  test("under an unknown keyword are refused once something refers there", () => {
    const schema = { $ref: "#/x-types/t", "x-types": { t: { $ref: "#/none" } } };
    expect(refusal({ "a.json": schema })).toContain('$ref "#/none" at /x-types/t');
  });

  test.each<[what: string, schema: object]>([
    ["to itself", { $ref: "#" }],
    ["to each other", { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } }],
    ["to itself by a branch", { anyOf: [{ type: "string" }, { not: { $ref: "#" } }] }],
    ["to itself by an anchor", { $anchor: "a", if: { $ref: "#a" } }],
    ["to itself by its $id", { $id: "urn:test:loop", allOf: [{ $ref: "urn:test:loop" }] }],
  ])("%s, without a step into the data, are refused before any comes", (_, schema) => {
    expect(refusal({ "a.json": schema })).toMatch(
      /^a\.json: .* refers in a circle, without a step into the data$/,
    );
  });

  test("to themselves with a step into the data are followed down", () => {
    const tree = { type: "object", properties: { left: { $ref: "#" }, right: { $ref: "#" } } };
    expect(verdict(tree, { left: { right: {} } })).toBe("valid");
    expect(verdict(tree, { left: { right: 1 } })).toBe("/left/right must be object");
  });

  test("that double themselves again and again, or lead on and on, are refused", () => {
    const chain = (length: number, link: (next: object) => object): object => {
      const names = Array.from({ length }, (_, i) => `d${i}`);
      const schemas = names.map((name, i) => [name, link({ $ref: `#/$defs/${names[i + 1] ?? "end"}` })]);
      return { $ref: "#/$defs/d0", $defs: { ...Object.fromEntries(schemas), end: { type: "string" } } };
    };
    const doubled = chain(30, (next) => ({ oneOf: [next, next] }));
    expect(refusal({ "a.json": doubled })).toContain("stands for more than 100000 schemas");
    const long = chain(5000, (next) => ({ properties: { x: next } }));
    expect(refusal({ "a.json": long })).toContain("leads on through more than 500 schemas");
    expect(
      verdict(
        chain(150, (next) => ({ properties: { x: next } })),
        {},
      ),
    ).toBe("valid");
  });

  test("in data that looks like a schema are left alone", () => {
    const lookalike = { $ref: "#/none" };
    const schema = {
      enum: [lookalike],
      default: lookalike,
      examples: [lookalike],
      properties: { $ref: true },
    };
    expect(verdict(schema, { $ref: "#/none" })).toBe("valid");
  });

  test("from one draft into the other are refused", () => {
    const old = { $schema: DRAFT_07, $id: "urn:old", type: "string" };
    expect(refusal({ "new.json": { $ref: "urn:old" }, "old.json": old })).toMatch(/^new\.json: .*draft-07/);
  });

  test("a taken $id is refused, naming both files, across drafts too", () => {
    const message = refusal({ "v1.json": { $id: "urn:a" }, "v2.json": { $id: "urn:a#", $schema: DRAFT_07 } });
    expect(message).toBe('v2.json: $id "urn:a" is taken by v1.json; each schema needs its own');
  });
});
