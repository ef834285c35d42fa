import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import type { FileRegistry } from "@adaos/registry";
import { loadRegistry } from "@adaos/registry";
import { generateIndex, generateTypes } from "@adaos/registry-tools";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const PII = { "x-classification": "pii" };
const SECRET = { "x-classification": "secret" };
/** Written out it would look as if the schema were a promise. */
const THEN = "then";
const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "classification-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** The registry of these schemas by event name, all of version 1. */
async function registryOf(schemas: Readonly<Record<string, object>>): Promise<FileRegistry> {
  const names = Object.keys(schemas);
  const records = names.map((name) => {
    return { name, version: 1, kind: "event", summary: "x", status: "stable", schema: `${name}.json` };
  });
  await writeFile(join(dir, "registry.yaml"), JSON.stringify(records));
  for (const name of names)
    await writeFile(join(dir, `${name}.json`), JSON.stringify(schemas[name], undefined, 2));
  return loadRegistry(dir);
}

async function masked(schema: object, data: unknown): Promise<unknown> {
  return (await registryOf({ "a.b": schema })).mask("a.b", 1, data);
}

async function refusal(schema: object): Promise<string> {
  const thrown = await registryOf({ "a.b": schema }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof MeshError && thrown.code === "invalid-config") return thrown.message;
  throw thrown ?? new Error("not refused");
}

describe("x-classification", () => {
  test("must be secret or pii, and is told with file, line and column when it is not", async () => {
    const schema = { properties: { a: {}, mail: { "x-classification": "private" } } };
    expect(await refusal(schema)).toMatch(
      /a\.b\.json:5:27 \/properties\/mail\/x-classification must be "secret" or "pii"$/,
    );
    expect(await refusal({ $defs: { d: { items: { "x-classification": ["pii"] } } } })).toContain(
      "/$defs/d/items/x-classification must be",
    );
  });

  test("may not be misspelt: an unknown keyword protects nothing", async () => {
    for (const keyword of ["x-clasification", "X-Classification", "x_classification", "classification"]) {
      expect(await refusal({ items: { [keyword]: "pii" } })).toContain("did you mean x-classification?");
    }
  });

  test("is data where it is no keyword", async () => {
    const schema = { properties: { "x-classification": { type: "string" } }, default: PII };
    expect(await masked(schema, { "x-classification": "open" })).toEqual({ "x-classification": "open" });
  });

  test("shows in the index, with the pointer into the data, and as a comment of the types", async () => {
    const schema = {
      properties: {
        mail: { type: "string", description: "Where to write.", ...PII },
        cards: { items: { $ref: "#/$defs/card" } },
      },
      $defs: { card: { type: "string", ...SECRET }, unused: PII },
    };
    const registry = await registryOf({ "a.b": schema, "c.d": {} });
    const { events } = JSON.parse(generateIndex(registry)) as { events: { classified: unknown }[] };
    expect(events.map(({ classified }) => classified)).toEqual([
      [
        { pointer: "/mail", class: "pii" },
        { pointer: "/cards/*", class: "secret" },
      ],
      [],
    ]);
    expect(registry.events.map(({ classes }) => classes)).toEqual([["secret", "pii"], []]);
    expect(registry.classifiedSpots("a.b", 1)[0]?.place()).toMatch(/a\.b\.json:6:27$/);
    const types = await generateTypes(registry);
    expect(types).toContain("Where to write.");
    expect(types).toContain("Classified: pii.");
  });
});

describe("FileRegistry.mask()", () => {
  const text = { type: "string" };
  test.each<[string, object, unknown, unknown]>([
    ["a property", { properties: { a: PII } }, { a: "x", b: 1 }, { a: "[pii]", b: 1 }],
    ["all of the data", PII, { a: { b: 1 } }, "[pii]"],
    ["a whole subtree", { properties: { a: SECRET } }, { a: { b: [1, 2] } }, { a: "[secret]" }],
    ["items", { items: { properties: { a: PII } } }, [{ a: 1 }, {}], [{ a: "[pii]" }, {}]],
    ["places of a list", { prefixItems: [{}, PII], items: SECRET }, [1, 2, 3], [1, "[pii]", "[secret]"]],
    [
      "places of a list in draft-07",
      { $schema: DRAFT_07, items: [{}, PII], additionalItems: SECRET },
      [1, 2, 3],
      [1, "[pii]", "[secret]"],
    ],
    [
      "names not declared",
      { properties: { a: {} }, additionalProperties: PII },
      { a: 1, b: 2 },
      { a: 1, b: "[pii]" },
    ],
    [
      "names by pattern",
      { patternProperties: { "^s_": SECRET } },
      { s_x: 1, x: 1 },
      { s_x: "[secret]", x: 1 },
    ],
    [
      "a reference",
      { properties: { a: { $ref: "#/$defs/d" } }, $defs: { d: PII } },
      { a: 1 },
      { a: "[pii]" },
    ],
    [
      "beside a reference in draft-07, where validation ignores it",
      { $schema: DRAFT_07, properties: { a: { $ref: "#/definitions/d", ...PII } }, definitions: { d: {} } },
      { a: 1 },
      { a: "[pii]" },
    ],
    ["the stricter of two", { properties: { a: { ...PII, allOf: [SECRET] } } }, { a: 1 }, { a: "[secret]" }],
    [
      "a branch that does not hold",
      { anyOf: [{ required: ["b"], properties: { a: PII } }, {}] },
      { a: 1 },
      { a: "[pii]" },
    ],
    [
      "what a condition decides, either way",
      { if: { required: ["x"] }, [THEN]: { properties: { a: PII } }, else: { properties: { b: PII } } },
      { a: 1, b: 2, c: 3 },
      { a: "[pii]", b: "[pii]", c: 3 },
    ],
    ["a dependent schema", { dependentSchemas: { q: { properties: { a: PII } } } }, { a: 1 }, { a: "[pii]" }],
    ["an object whose names are classified", { propertyNames: PII }, { "ann@x.org": 1 }, "[pii]"],
    ["an item that only one need be", { contains: PII }, [1], ["[pii]"]],
    ["text whose content is classified", { contentSchema: { properties: { a: PII } } }, "{}", "[pii]"],
    [
      "a schema that refers to itself",
      { properties: { a: PII, next: { $ref: "#" } } },
      { next: { next: { a: 1, b: 2 } } },
      { next: { next: { a: "[pii]", b: 2 } } },
    ],
    [
      "a dynamic reference",
      { $dynamicAnchor: "n", properties: { a: PII, kids: { items: { $dynamicRef: "#n" } } } },
      { kids: [{ a: 1 }] },
      { kids: [{ a: "[pii]" }] },
    ],
    ["nothing of what is declared and plain", { properties: { a: text } }, { a: "x" }, { a: "x" }],
    ["nothing by a definition that nobody uses", { $defs: { d: PII } }, { d: 1 }, { d: 1 }],
  ])("masks %s", async (_, schema, data, expected) => {
    const before = JSON.stringify(data);
    expect(await masked(schema, data)).toEqual(expected);
    expect(JSON.stringify(data)).toBe(before);
  });

  test("masks all of data that breaks a schema which classifies something", async () => {
    const schema = { type: "object", properties: { a: PII } };
    expect(await masked(schema, "ann@x.org")).toBe("[pii]");
    expect(await masked({ type: "object" }, "plain")).toBe("plain");
  });

  test("masks all of a version that is not there when another classifies something", async () => {
    const registry = await registryOf({ "a.b": { properties: { a: SECRET } }, "c.d": {} });
    expect(registry.mask("a.b", 2, { a: 1 })).toBe("[secret]");
    expect(registry.mask("c.d", 2, { a: 1 })).toEqual({ a: 1 });
    expect(registry.mask("no.event", 1, { a: 1 })).toEqual({ a: 1 });
  });
});

describe("violations", () => {
  test("name no key and no value within what is classified", async () => {
    const person = { ...PII, additionalProperties: { type: "number" } };
    const schema = { properties: { person, list: { items: { maxLength: 2, ...SECRET } } } };
    const contract = (await registryOf({ "a.b": schema })).resolve("a.b", 1);
    const told = (data: unknown): string => JSON.stringify(contract.validate(data).violations);
    expect(told({ person: { "ann-canary": "x" } })).toBe(
      '[{"pointer":"/person","expected":"must be number"}]',
    );
    expect(told({ list: ["ok", "canary"] })).toContain('"pointer":"/list/1"');
    expect(told({ list: ["ok", "canary"] })).not.toContain("canary");
  });
});

/** A schema, data that it takes, and which of the texts in the data are classified. */
interface Sample {
  readonly schema: object;
  readonly data: unknown;
  readonly hidden: readonly string[];
  readonly shown: readonly string[];
}

let canaries = 0;
const leaf = fc.constantFrom<object>({}, {}, PII, SECRET).map((is): Sample => {
  const canary = `canary-${++canaries}-`;
  const isHidden = Object.keys(is).length > 0;
  return {
    schema: { type: "string", ...is },
    data: canary,
    hidden: isHidden ? [canary] : [],
    shown: isHidden ? [] : [canary],
  };
});

const { sample } = fc.letrec<{ sample: Sample }>((tie) => {
  const inner = tie("sample");
  const own = ({ data, hidden, shown }: Sample): Omit<Sample, "schema"> => ({ data, hidden, shown });
  const hide = (of: Sample): Pick<Sample, "hidden" | "shown"> => {
    return { hidden: [...of.hidden, ...of.shown], shown: [] };
  };
  const both = (a: Sample, b: Sample): Pick<Sample, "hidden" | "shown"> => {
    return { hidden: [...a.hidden, ...b.hidden], shown: [...a.shown, ...b.shown] };
  };
  return {
    sample: fc.oneof(
      { depthSize: "medium", maxDepth: 5 },
      leaf,
      fc.tuple(inner, inner).map(([a, b]): Sample => {
        const schema = { properties: { a: a.schema }, additionalProperties: b.schema };
        return { schema, data: { a: a.data, other: b.data }, ...both(a, b) };
      }),
      fc.tuple(inner, inner).map(([a, b]): Sample => {
        const schema = { patternProperties: { "^p": a.schema }, properties: { q: b.schema } };
        return { schema, data: { p1: a.data, q: b.data }, ...both(a, b) };
      }),
      fc.tuple(inner, inner).map(([a, b]): Sample => {
        return {
          schema: { prefixItems: [a.schema], items: b.schema },
          data: [a.data, b.data],
          ...both(a, b),
        };
      }),
      inner.map((of): Sample => ({ schema: { allOf: [{}, of.schema] }, ...own(of) })),
      inner.map((of): Sample => ({ schema: { anyOf: [{}, of.schema] }, ...own(of) })),
      inner.map((of): Sample => ({ schema: { oneOf: [of.schema] }, ...own(of) })),
      inner.map((of): Sample => ({ schema: { if: {}, [THEN]: {}, else: of.schema }, ...own(of) })),
      inner.map((of): Sample => {
        const name = `d${++canaries}`;
        return { schema: { $ref: `#/$defs/${name}`, $defs: { [name]: of.schema } }, ...own(of) };
      }),
      inner.map((of): Sample => ({ schema: { ...PII, allOf: [of.schema] }, data: of.data, ...hide(of) })),
    ),
  };
});

describe("shownSchema()", () => {
  test("hides examples and defaults of classified data, of what is in it and around it, and no rule", async () => {
    const canary = { default: "canary", examples: ["canary", { a: "canary" }] };
    const registry = await registryOf({
      "a.b": {
        examples: [{ name: "canary", room: "hall" }],
        properties: {
          name: { ...PII, ...canary, enum: ["ann", "bob"] },
          home: { ...canary, properties: { street: SECRET } },
          card: {
            ...SECRET,
            properties: { number: canary, default: canary },
            items: { $ref: "#/$defs/deep" },
          },
          other: { $ref: "urn:test:c.d#/$defs/told" },
          by: { anyOf: [{ ...canary, $ref: "#/$defs/held" }] },
          room: { default: "hall", examples: ["desk"] },
        },
        $defs: { deep: { contains: canary }, held: { items: PII } },
      },
      "c.d": { $id: "urn:test:c.d", $defs: { told: { ...PII } } },
    });
    const shown = registry.shownSchemaOf("a.b", 1);
    expect(JSON.stringify(shown)).not.toContain("canary");
    const { properties } = shown as { readonly properties: Record<string, object> };
    expect(properties["name"]).toEqual({
      ...PII,
      ...{ default: "[secret]", examples: ["[secret]"], enum: ["ann", "bob"] },
    });
    expect(properties["room"]).toEqual({ default: "hall", examples: ["desk"] });
    expect(registry.schemaOf("a.b", 1)).not.toEqual(shown);
    expect(registry.shownSchemaOf("c.d", 1)).toBe(registry.schemaOf("c.d", 1));
  });
});

/** References are seen from the root: all definitions go there. */
function hoisted(schema: object): object {
  const $defs: Record<string, unknown> = {};
  const hoist = (held: unknown): unknown => {
    if (Array.isArray(held)) return held.map(hoist);
    if (typeof held !== "object" || held === null) return held;
    const { $defs: own = {}, ...rest } = held as { $defs?: object };
    for (const [name, inner] of Object.entries(own)) $defs[name] = hoist(inner);
    return Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, hoist(inner)]));
  };
  return { ...(hoist(schema) as object), $defs };
}

describe("a schema with classified spots anywhere", () => {
  test("masks every classified text, and leaves every other as it is", async () => {
    const property = fc.asyncProperty(sample, async ({ schema, data, hidden, shown }) => {
      const registry = await registryOf({ "a.b": hoisted(schema) });
      const text = JSON.stringify(registry.mask("a.b", 1, data));
      for (const canary of hidden) expect(text).not.toContain(canary);
      for (const canary of shown) expect(text).toContain(JSON.stringify(canary));
      if (hidden.length === 0) expect(text).toBe(JSON.stringify(data));
    });
    await fc.assert(property, { numRuns: 150 });
  });
});
