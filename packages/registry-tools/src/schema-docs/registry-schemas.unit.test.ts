import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FileRegistry } from "@adaos/registry";
import { loadRegistry } from "@adaos/registry";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, onTestFinished, test } from "vitest";
import { writeOctokitRegistry } from "../../../../test/kit/octokit-registry.ts";
import { RICH, writtenRegistry } from "../../../../test/kit/written-registry.ts";
import { readExamples } from "./read-examples.ts";
import { eventKey, RegistrySchemas, type SchemaMap } from "./registry-schemas.ts";

const OURS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));
const refTo = (key: string): string => `#/schemas/${key}`;

/** Judges data by one schema of a bundle, and knows nothing but the bundle. */
function judgeOf(schemas: SchemaMap): (key: string, data: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv as never);
  ajv.addSchema({ schemas }, "bundle");
  return (key, data) => ajv.validate({ $ref: `bundle#/schemas/${key}` }, data);
}

function bundleOf(registry: FileRegistry): SchemaMap {
  return new RegistrySchemas(registry).bundle(registry.records, refTo);
}

const PROBES: readonly unknown[] = [
  {},
  null,
  { grams: -1 },
  { grams: 1, owner: "x", more: 1 },
  { grams: 1, owner: "x", places: [[1, 2, 3]] },
  { grams: 1, owner: "x", tree: { branches: [{ branches: [{ leaf: 1 }] }] } },
  { grams: 1, owner: "x", tree: { branches: [{ branches: [{ leaf: "l" }] }] } },
  { grams: 1, owner: "x", raw: true },
  { pair: ["x", "y"] },
  { pair: ["x", 1, 2] },
  { pair: "text" },
  { a: 1 },
  { b: 1, c: 2 },
  { room: 1 },
  { at: [1] },
];

describe("RegistrySchemas.bundle()", () => {
  test("judges as the registry does: by references between files, to anchors, in circles, in both drafts", async () => {
    const registry = await loadRegistry(await writtenRegistry(RICH));
    const judge = judgeOf(bundleOf(registry));
    for (const record of registry.records) {
      const { validate } = registry.resolve(record.name, record.version);
      const examples = await readExamples(registry, record);
      for (const data of [...examples.map((one) => one.data), ...PROBES]) {
        const told = `${eventKey(record)} ${JSON.stringify(data)}`;
        expect(judge(eventKey(record), data), told).toBe(validate(data).valid);
      }
    }
  });

  test("judges a large real corpus of draft-07 as an independent validator does", async () => {
    const dir = await mkdtemp(join(tmpdir(), "adaos-octokit-"));
    onTestFinished(() => rm(dir, { recursive: true }));
    const { events } = await writeOctokitRegistry(dir);
    const registry = await loadRegistry(dir);
    // All of them take half a minute to compile.
    const some = events.filter((_, i) => i % 24 === 0);
    const records = registry.records.filter(({ name }) => some.some((event) => event.name === name));
    const judge = judgeOf(new RegistrySchemas(registry).bundle(records, refTo));
    for (const event of some) expect(judge(eventKey(event), event.data), event.name).toBe(event.accepted);
    expect(some.length).toBeGreaterThan(5);
  });

  test("holds no id, no other draft's keyword, and no reference that leads nowhere", async () => {
    for (const dir of [OURS, await writtenRegistry(RICH)]) {
      const schemas = bundleOf(await loadRegistry(dir));
      const text = JSON.stringify(schemas);
      expect(text).not.toMatch(
        /"\$(id|anchor|schema|defs)":|"definitions":|"additionalItems":|"dependencies":/,
      );
      const keys = [...text.matchAll(/"\$ref":"#\/schemas\/([^"]+)"/g)].map(([, key]) => key ?? "");
      for (const key of keys) expect(Object.keys(schemas)).toContain(key);
    }
  });

  test("lets events share a schema file", async () => {
    const dir = await writtenRegistry([
      { name: "a.one", schema: { type: "object", properties: { next: { $ref: "#" } } } },
      { name: "a.two", schema: {}, record: { schema: "a.one/v1/schema.json" } },
    ]);
    const schemas = bundleOf(await loadRegistry(dir));
    expect(schemas["a.two.v1"]).toEqual({ $ref: "#/schemas/a.one.v1" });
    expect(judgeOf(schemas)("a.two.v1", { next: 3 })).toBe(false);
  });
});

describe("RegistrySchemas.fieldsOf()", () => {
  async function fields(name: string, version = 1) {
    const registry = await loadRegistry(await writtenRegistry(RICH));
    const record = registry.records.find((one) => one.name === name && one.version === version);
    if (record === undefined) throw new Error(`no ${name}`);
    return new RegistrySchemas(registry).fieldsOf(record);
  }

  test("tells of nested fields, items, maps, patterns and choices by their path", async () => {
    const paths = (await fields("lab.sample.weighed", 2)).map(({ path, choice }) =>
      `${path} ${choice}`.trim(),
    );
    expect(paths).toEqual([
      "grams",
      "owner",
      "where",
      "where.room",
      "where.at",
      "where.at[0]",
      "where.at[1]",
      "places",
      "places[]",
      "places[][0]",
      "places[][1]",
      "labels",
      "labels.*",
      "marks",
      "marks./^m[0-9]+$/",
      "tree",
      "tree.leaf",
      "tree.branches",
      "tree.branches[]",
      "unit",
      '"größe|`x`"',
      "result",
      "result.ok oneOf 1 of 2",
      "result.reason oneOf 2 of 2",
      "result.code oneOf 2 of 2",
      "raw",
      "unit if",
      "precision then",
    ]);
  });

  test("tells type, what is required, constraints, default and class", async () => {
    const all = await fields("lab.sample.weighed", 2);
    const at = (path: string) => all.find((field) => field.path === path);
    expect(at("grams")).toMatchObject({
      type: "number",
      required: true,
      constraints: ["≥ 0"],
      description: "Net weight.",
    });
    expect(at("owner")).toMatchObject({ classification: "pii", required: true });
    expect(at("places")).toMatchObject({ type: "array of array", constraints: ["at most 5 items"] });
    expect(at("unit")).toMatchObject({ type: "string", constraints: ['one of "g", "kg"'], default: '"g"' });
    expect(at('"größe|`x`"')).toMatchObject({ type: "string or null", deprecated: true });
    expect(at("raw")).toMatchObject({ type: "string or integer" });
    expect(at("tree.branches[]")).toMatchObject({ constraints: ["holds the same again, as further up"] });
    expect(at("precision")).toMatchObject({ choice: "then", constraints: ["multipleOf 5"] });
  });

  test("understands draft-07's tuples and dependencies", async () => {
    const all = await fields("lab.old.measured");
    const told = all.map(({ path, type, choice }) =>
      [path, type, choice].filter((one) => one !== "").join(" "),
    );
    expect(told).toContain("pair[1] number");
    expect(told).toContain("c string with b");
  });

  test("stops at 5000 fields and says so", async () => {
    const wide = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`f${i}`, { $ref: "#/$defs/next" }]),
    );
    const last = { type: "string" };
    const level = (next: string) => ({
      type: "object",
      properties: Object.fromEntries(Object.keys(wide).map((key) => [key, { $ref: `#/$defs/${next}` }])),
    });
    const $defs = { a: level("b"), b: level("c"), c: level("last"), last };
    const dir = await writtenRegistry([{ name: "a.wide", schema: { $ref: "#/$defs/a", $defs } }]);
    const registry = await loadRegistry(dir);
    const [record] = registry.records;
    if (record === undefined) throw new Error("no record");
    const all = new RegistrySchemas(registry).fieldsOf(record);
    expect(all.length).toBeLessThanOrEqual(5001);
    expect(all.at(-1)?.description).toContain("More than 5000 fields");
  });
});

describe("readExamples()", () => {
  test("refuses an example that breaks its schema, naming the file and the field", async () => {
    const dir = await writtenRegistry([
      { name: "a.bad", schema: { properties: { n: { type: "integer" } } }, examples: { wrong: { n: "x" } } },
    ]);
    const registry = await loadRegistry(dir);
    const [record] = registry.records;
    if (record === undefined) throw new Error("no record");
    await expect(readExamples(registry, record)).rejects.toThrow(
      "a.bad@1: example a.bad/v1/examples/wrong.json: /n must be integer",
    );
  });
});
