import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MeshError } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadRegistry } from "./load.ts";

const EVENTS = fileURLToPath(new URL("../../../schemas/events", import.meta.url));

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "registry-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function write(path: string, content: unknown): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), typeof content === "string" ? content : JSON.stringify(content));
}

/** Writes a `registry.yaml` in which each event has the line of its place in the list. */
async function writeIndex(...records: readonly object[]): Promise<void> {
  const complete = records.map((record) => ({
    version: 1,
    kind: "event",
    summary: "x",
    status: "stable",
    ...record,
  }));
  await write("registry.yaml", `[${complete.map((record) => JSON.stringify(record)).join(",\n")}]`);
}

async function refusal(): Promise<string> {
  try {
    await loadRegistry(dir);
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "invalid-config") return thrown.message;
    throw thrown;
  }
  return "no refusal";
}

describe("the registry of this repository", () => {
  test("holds the first events, each in its folder", async () => {
    const { records } = await loadRegistry(EVENTS);
    expect(records.map(({ name, version, kind }) => `${kind} ${name}@${version}`).toSorted()).toEqual([
      "command repo.skill.install@1",
      "command scenario.run@1",
      "event infra.database.connection.established@1",
      "event infra.database.connection.established@2",
      "event infra.database.connection.failed@1",
      "event infra.database.connection.failed@2",
      "event infra.database.health.checked@1",
      "event infra.database.health.checked@2",
      "event mesh.alert.cleared@1",
      "event mesh.alert.raised@1",
      "event mesh.delivery.dead_lettered@1",
      "event mesh.link.down@1",
      "event mesh.link.up@1",
      "event mesh.node.ready@1",
      "event mesh.policy.denied@1",
      "event mesh.store.damaged@1",
      "event nlp.intent.detected@1",
      "event repo.skill.installed@1",
      "event scenario.completed@1",
      "event system.boot.completed@1",
      "event timer.tick@1",
      "event ui.notify@1",
      "reply repo.skill.install.result@1",
    ]);
    for (const { name, version, schema } of records) {
      expect(schema).toBe(`${name.replace(".", "/")}/v${version}/schema.json`);
    }
  });

  test("has a schema with $id and full version, and valid examples, for each event", async () => {
    const registry = await loadRegistry(EVENTS);
    for (const { name, version, examples } of registry.records) {
      const { $id, "x-version": fullVersion } = registry.schemaOf(name, version);
      expect($id).toBe(`urn:adaos:schema:${name}:v${version}`);
      expect(fullVersion).toMatch(new RegExp(`^${version}\\.\\d+\\.\\d+$`));
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) {
        const data: unknown = JSON.parse(await readFile(join(EVENTS, example), "utf8"));
        expect({ example, ...registry.resolve(name, version).validate(data) }).toEqual({
          example,
          valid: true,
          violations: [],
        });
      }
    }
  });

  test.each([
    ["nlp.intent.detected", { intent: "x", slots: {} }, "/locale"],
    ["nlp.intent.detected", { intent: "x", slots: {}, locale: "en", confidence: 1.1 }, "/confidence"],
    ["nlp.intent.detected", { intent: "x", slots: { n: 1 }, locale: "en" }, "/slots/n"],
    ["nlp.intent.detected", { intent: "x", slots: {}, locale: "en", text: "y" }, "/text"],
    ["ui.notify", { text: "x", level: "debug" }, "/level"],
    ["timer.tick", { timer: "x", scheduled_at: "now" }, "/scheduled_at"],
    ["repo.skill.install.result", { skill: "x", status: "failed" }, "/error"],
    ["repo.skill.install.result", { skill: "x", status: "installed" }, "/version"],
  ])("refuses wrong data of %s at its field", async (name, data, pointer) => {
    const registry = await loadRegistry(EVENTS);
    expect(registry.resolve(name).validate(data).violations[0]?.pointer).toBe(pointer);
  });
});

describe("loadRegistry()", () => {
  test("says what a contract needs, naming the schema by its file where it has no $id", async () => {
    await writeIndex({ name: "a.b", schema: "s.json", required_headers: ["correlation_id"] });
    await write("s.json", { type: "object" });
    const contract = (await loadRegistry(dir)).resolve("a.b");
    expect(contract).toMatchObject({ name: "a.b", version: 1, kind: "event", schema: "s.json" });
    expect(contract.requiredHeaders).toEqual(["correlation_id"]);
  });

  test("lets events share a schema file", async () => {
    await writeIndex({ name: "a.b", schema: "s.json" }, { name: "a.c", schema: "s.json" });
    await write("s.json", { $id: "urn:adaos:schema:shared", type: "string" });
    const registry = await loadRegistry(dir);
    expect(registry.resolve("a.b").validate("x").valid).toBe(true);
    expect(registry.resolve("a.c").validate(1).valid).toBe(false);
  });

  test("reads an index with a byte order mark", async () => {
    await write("registry.yaml", "\ufeff[]");
    expect((await loadRegistry(dir)).records).toEqual([]);
  });

  test("refuses a folder that is not there, or has no index", async () => {
    expect(await refusal()).toContain("registry.yaml does not exist");
    await rm(dir, { recursive: true });
    expect(await refusal()).toBe(`no schema registry at ${dir}: the folder does not exist`);
  });

  test("refuses the same name and version twice, naming both lines", async () => {
    await writeIndex({ name: "a.b", schema: "s.json" }, { name: "a.b", schema: "s.json" });
    const message = await refusal();
    expect(message).toMatch(/registry\.yaml:2:\d+: a\.b@1 is declared twice, first at .*registry\.yaml:1:/);
  });

  test("refuses a schema that is not there, naming the record's line", async () => {
    await write("s.json", {});
    await writeIndex({ name: "a.b", schema: "s.json" }, { name: "a.c", schema: "none.json" });
    expect(await refusal()).toMatch(/registry\.yaml:2:\d+: .*none\.json does not exist; create it/);
  });

  test("refuses schemas behind a link out of the folder, and follows one within it", async () => {
    const outside = await mkdtemp(join(tmpdir(), "outside-"));
    try {
      await writeFile(join(outside, "s.json"), "{}");
      await symlink(outside, join(dir, "link"));
      await writeIndex({ name: "a.b", schema: "link/s.json" });
      expect(await refusal()).toMatch(/registry\.yaml:1:\d+: .*is a link out of the registry folder/);
    } finally {
      await rm(outside, { recursive: true });
    }
    await write("real.json", { type: "string" });
    await symlink("real.json", join(dir, "within.json"));
    await writeIndex({ name: "a.b", schema: "within.json" });
    expect((await loadRegistry(dir)).resolve("a.b").validate("x").valid).toBe(true);
  });

  test.each([
    ["a folder", "folder/x.json", {}, "folder", "is not a file"],
    ["no JSON", "s.json", "{", "s.json", "not JSON"],
    [
      "no JSON of one meaning",
      "s.json",
      '{"type":"string","type":"object"}',
      "s.json",
      'the key "type" is not unique',
    ],
    ["no object", "s.json", "true", "s.json", "must be a JSON object"],
    ["too large", "s.json", " ".repeat(1024 * 1024 + 1), "s.json", "the limit is 1048576"],
    ["no schema", "s.json", { type: "strng" }, "s.json", "not a 2020-12 schema: /type must be one of"],
    ["of an unknown draft", "s.json", { $schema: "urn:x" }, "s.json", "supported are"],
    ["with a bad $id", "s.json", { $id: 1 }, "s.json", "$id must be a URI"],
    [
      "with a bad reference",
      "s.json",
      { $ref: "#/none" },
      "s.json",
      '$ref "#/none" at the root has no target',
    ],
    ["too deep", "s.json", `${'{"not":'.repeat(500)}{}${"}".repeat(500)}`, "s.json", "nests deeper than"],
  ])("refuses a schema that is %s, naming its file", async (_, file, content, schema, told) => {
    await write(file, content);
    await writeIndex({ name: "a.b", schema });
    const message = await refusal();
    expect(message).toContain(join(dir, schema));
    expect(message).toContain(told);
  });

  test("refuses two versions whose schemas have one $id", async () => {
    await writeIndex({ name: "a.b", schema: "v1.json" }, { name: "a.b", version: 2, schema: "v2.json" });
    await write("v1.json", { $id: "urn:adaos:schema:a.b:v1" });
    await write("v2.json", { $id: "urn:adaos:schema:a.b:v1" });
    expect(await refusal()).toMatch(/v2\.json: \$id "urn:adaos:schema:a\.b:v1" is taken by .*v1\.json/);
  });

  test("keeps to plain YAML within bounds", async () => {
    await write("registry.yaml", "- name: !!js/function x");
    expect(await refusal()).toMatch(/registry\.yaml:1:/);
    await write("registry.yaml", " ".repeat(4 * 1024 * 1024 + 1));
    expect(await refusal()).toContain("the limit is 4194304");
  });
});
