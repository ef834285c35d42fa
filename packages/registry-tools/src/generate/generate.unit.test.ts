import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadRegistry } from "@adaos/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { generateIndex } from "./generate-index.ts";
import { generateTypes } from "./generate-types.ts";

const EVENTS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "registry-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function typesOf(schemas: Readonly<Record<string, object>>): Promise<string> {
  const records = Object.keys(schemas).map((name) => ({
    name,
    version: 1,
    kind: "event",
    summary: "x",
    status: "stable",
    schema: `${name}.json`,
  }));
  await writeFile(join(dir, "registry.yaml"), JSON.stringify(records));
  for (const [name, schema] of Object.entries(schemas)) {
    await writeFile(join(dir, `${name}.json`), JSON.stringify(schema));
  }
  return generateTypes(await loadRegistry(dir));
}

describe("the generated files of this repository", () => {
  test("are fresh; npm run generate writes them", async () => {
    const registry = await loadRegistry(EVENTS);
    expect(await readFile(join(EVENTS, "_dist/registry.json"), "utf8")).toBe(generateIndex(registry));
    expect(await readFile(join(EVENTS, "_dist/events.d.ts"), "utf8")).toBe(await generateTypes(registry));
  });
});

describe("generateIndex()", () => {
  test("sorts the events and tells each schema's id and version", async () => {
    const { events } = JSON.parse(generateIndex(await loadRegistry(EVENTS)));
    const names = events.map(({ name }: { name: string }) => name);
    expect(names).toEqual(names.toSorted());
    expect(events[0]).toMatchObject({
      name: "infra.database.connection.established",
      schema: "infra/database.connection.established/v1/schema.json",
      schema_id: "urn:adaos:schema:infra.database.connection.established:v1",
      schema_version: "1.0.0",
    });
  });
});

describe("generateTypes()", () => {
  test("enters each event into core's EventMap", async () => {
    const text = await typesOf({ "b.c": { type: "string" }, "a.b": { title: "Any Title", type: "object" } });
    expect(text).toContain("export type BCV1 = string;");
    expect(text).toContain("export interface ABV1 {");
    expect(text).toMatch(
      /declare module "@adaos\/core" {\n {2}interface EventMap {\n {4}"a\.b@1": ABV1;\n {4}"b\.c@1": BCV1;/,
    );
  });

  test("keeps names apart: of events that differ in a dot, and of their definitions", async () => {
    const schema = { properties: { p: { $ref: "#/$defs/slot" } }, $defs: { slot: { type: "object" } } };
    const text = await typesOf({ "a.b.c": schema, "a.b-c": schema });
    for (const name of ["ABCV1", "ABCV1Slot", "ABCV1N2", "ABCV1N2Slot"]) {
      expect(text.split(`export interface ${name} `)).toHaveLength(2);
    }
  });

  test("follows references to other schemas of the registry", async () => {
    const shared = { $id: "urn:adaos:schema:shared", $defs: { port: { type: "integer" } } };
    const text = await typesOf({
      "a.b": { properties: { p: { $ref: "urn:adaos:schema:shared#/$defs/port" } } },
      "a.c": shared,
    });
    expect(text).toContain("p?: number");
  });

  test("shows every character that a schema brings along", async () => {
    const unseen = "a\u202eb\u007fc\u009bd";
    const text = await typesOf({
      "a.b": {
        description: unseen,
        type: "object",
        properties: { p: { enum: [unseen] }, [`x${unseen}`]: { type: "string" } },
      },
    });
    expect(text).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cf}]/u);
    expect(text).toContain('p?: "a\\u202eb\\u007fc\\u009bd"');
  });

  test("lets no schema write TypeScript of its own, and takes no property for the words that would", async () => {
    const types = await typesOf({
      "lab.sample.weighed": {
        type: "object",
        description: "*/ evil",
        tsType: "any; } evil",
        properties: { id: { type: "string", tsType: "evil" }, tsType: { type: "number" } },
        required: ["id", "tsType"],
      },
    });
    expect(types).toContain("id: string;");
    expect(types).toContain("tsType: number;");
    expect(types.replaceAll(/\/\*.*?\*\//gs, "")).not.toContain("evil");
  });

  test("leaves the registry's schemas as they were", async () => {
    await typesOf({ "a.b": { title: "T", properties: { p: { const: 1 } } } });
    const registry = await loadRegistry(dir);
    const before = JSON.stringify(registry.schemaOf("a.b", 1));
    await generateTypes(registry);
    expect(JSON.stringify(registry.schemaOf("a.b", 1))).toBe(before);
  });
});
