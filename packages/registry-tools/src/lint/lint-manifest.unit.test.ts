import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { edited, RIGHT, writeFiles, writeRight } from "../../../../test/kit/small-registry.ts";
import type { Finding } from "./findings.ts";
import { lintRegistry } from "./lint-registry.ts";

const SCHEMA = RIGHT["lab/sample.weighed/v1/schema.json"] ?? "";
const SKILL = `name: weigher
events:
  subscribe: [lab.sample.weigh@1, lab.]
  publish:
    - lab.sample.weighed@1
  schemas:
    lab.sample.weighed@1: weighed.json
  schemas_from: schemas
`;
const SCENARIO = `triggers:
  - { event: lab.sample.weighed, when: heavy }
  - cron: "* * * * *"
effects:
  - publish: lab.sample.weigh@1
  - wait: 5
`;

let dir: string;
let registry: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "manifest-"));
  registry = join(dir, "registry");
  await writeRight(registry);
  await writeFiles(dir, { "skill.yaml": SKILL, "scenario.yaml": SCENARIO, "schemas/weighed.json": SCHEMA });
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function findings(...uses: readonly string[]): Promise<readonly Finding[]> {
  const report = await lintRegistry(registry, { uses: uses.map((file) => join(dir, file)) });
  return report.findings.filter(({ file }) => !resolve(file).startsWith(registry));
}

function told({ rule, file, line, column }: Finding): string {
  return `${rule} ${relative(dir, resolve(file))}:${line}:${column}`;
}

function change(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`no ${from}`);
  return text.replace(from, to);
}
const skill = (from: string, to: string): Record<string, string> => ({
  "skill.yaml": change(SKILL, from, to),
});
const scenario = (from: string, to: string): Record<string, string> => ({
  "scenario.yaml": change(SCENARIO, from, to),
});
const schema = (from: string, to: string): Record<string, string> => ({
  "schemas/weighed.json": change(SCHEMA, from, to),
});

/** A change, the findings, and the suggestion of the first. */
const FAULTS: readonly [what: string, files: Record<string, string>, places: string, suggestion?: string][] =
  [
    [
      "an event that is unknown",
      skill("[lab.sample.weigh@1", "[lab.sample.weihg@1"),
      "use-unknown skill.yaml:3:15",
      "lab.sample.weigh@1",
    ],
    [
      "a name that is unknown",
      skill("[lab.sample.weigh@1", "[lab.sample.weihg"),
      "use-unknown skill.yaml:3:15",
      "lab.sample.weigh",
    ],
    [
      "a version that is not there",
      skill("- lab.sample.weighed@1", "- lab.sample.weighed@7"),
      "use-unknown skill.yaml:5:7",
      "lab.sample.weighed@1",
    ],
    ["a prefix of nothing", skill(", lab.]", ", lba.sample.]"), "use-unknown skill.yaml:3:35", "lab.sample."],
    ["a text that is no event", skill(", lab.]", ", Lab]"), "use-form skill.yaml:3:35"],
    [
      "a version that is none",
      skill("- lab.sample.weighed@1", "- lab.sample.weighed@x"),
      "use-form skill.yaml:5:7",
    ],
    ["an event that is no text", skill(", lab.]", ", 7]"), "manifest-form skill.yaml:3:35"],
    [
      "a list that is none",
      skill("subscribe: [lab.sample.weigh@1, lab.]", "subscribe: lab."),
      "manifest-form skill.yaml:3:14",
    ],
    ["a section that is no map", { "skill.yaml": "events: [lab.]\n" }, "manifest-form skill.yaml:1:9"],
    ["a key misspelt", skill("  subscribe:", "  subcribe:"), "manifest-form skill.yaml:3:3"],
    [
      "a schema of an unknown event",
      skill("    lab.sample.weighed@1:", "    lab.sample.weighet@1:"),
      "use-unknown skill.yaml:7:5",
      "lab.sample.weighed@1",
    ],
    [
      "a schema of no version",
      skill("    lab.sample.weighed@1:", "    lab.sample.weighed:"),
      "use-form skill.yaml:7:5",
    ],
    ["a schema that is not there", skill(" weighed.json", " wieghed.json"), "file-missing skill.yaml:7:27"],
    [
      "a schema out of the folder",
      skill(" weighed.json", " ../scenario.yaml"),
      "file-unread skill.yaml:7:27",
    ],
    ["a schema that is no path", skill(" weighed.json", " 7"), "manifest-form skill.yaml:7:27"],
    [
      "a folder that is not there",
      skill("schemas_from: schemas", "schemas_from: shemas"),
      "file-missing skill.yaml:8:17",
    ],
    [
      "a schema that is no JSON",
      { "schemas/weighed.json": "{\n  x" },
      "schema-json schemas/weighed.json:2:3",
    ],
    [
      "a schema of another event",
      schema("lab.sample.weighed:v1", "lab.sample.weigh:v1"),
      "use-schema schemas/weighed.json:2:10",
    ],
    [
      "a schema of another major version",
      schema('"1.0.0"', '"2.0.0"'),
      "use-schema schemas/weighed.json:3:16",
    ],
    [
      "another schema of the same version",
      schema('"minLength": 1', '"minLength": 2'),
      "use-schema schemas/weighed.json:1:1",
    ],
    [
      "a newer schema that refuses what was valid",
      schema('"1.0.0",', '"1.1.0", "maxProperties": 0,'),
      "use-schema schemas/weighed.json:1:1",
    ],
    [
      "a schema that refers to nothing",
      schema('"1.0.0",', '"1.1.0", "$ref": "#/$defs/x",'),
      "schema-reference schemas/weighed.json:3:33",
    ],
    [
      "a trigger that is unknown",
      scenario("lab.sample.weighed,", "lab.sample.wieghed,"),
      "use-unknown scenario.yaml:2:14",
      "lab.sample.weighed",
    ],
    ["a trigger that is no text", scenario("lab.sample.weighed,", "[],"), "manifest-form scenario.yaml:2:14"],
    [
      "triggers that are no list",
      { "scenario.yaml": "triggers: { event: lab. }\n" },
      "manifest-form scenario.yaml:1:11",
    ],
    [
      "an effect that is unknown",
      scenario("lab.sample.weigh@1", "lab.sample.weigh@2"),
      "use-unknown scenario.yaml:5:14",
      "lab.sample.weigh@1",
    ],
    ["an effect of many events", scenario("lab.sample.weigh@1", "lab."), "use-form scenario.yaml:5:14"],
    [
      "a reference elsewhere",
      scenario("wait: 5", "wait_for: lab.sample.wighed@1"),
      "use-unknown scenario.yaml:6:15",
      "lab.sample.weighed@1",
    ],
  ];

describe("lintRegistry() with manifests", () => {
  test("finds nothing in a skill and a scenario that are right", async () => {
    expect(await findings("skill.yaml", "scenario.yaml")).toEqual([]);
  });

  test.each(FAULTS)("finds %s, and where", async (_, files, place, suggestion) => {
    await writeFiles(dir, files);
    const found = await findings("skill.yaml", "scenario.yaml");
    expect(found.map(told)).toEqual([place]);
    if (suggestion !== undefined) expect(found[0]?.suggestion).toBe(suggestion);
  });

  test("follows no link out of the folder of the schemas", async () => {
    await rm(join(dir, "schemas/weighed.json"));
    await symlink(join(registry, "registry.yaml"), join(dir, "schemas/weighed.json"));
    expect((await findings("skill.yaml")).map(told)).toEqual(["file-unread skill.yaml:7:27"]);
  });

  test("takes a schema that describes differently, and a newer one that judges the examples alike", async () => {
    await writeFiles(dir, schema('"minLength": 1', '"minLength": 1, "description": "Which."'));
    expect(await findings("skill.yaml")).toEqual([]);
    await writeFiles(dir, schema('"1.0.0",', '"1.1.0", "maxProperties": 9,'));
    expect(await findings("skill.yaml")).toEqual([]);
  });

  test("warns of what is deprecated, and not of a prefix", async () => {
    await writeFiles(registry, edited("registry.yaml", "status: stable", "status: deprecated"));
    expect(
      (await findings("skill.yaml", "scenario.yaml")).map((one) => `${one.severity} ${told(one)}`),
    ).toEqual([
      "warning deprecated-in-use scenario.yaml:2:14",
      "warning deprecated-in-use skill.yaml:5:7",
      "warning deprecated-in-use skill.yaml:7:5",
    ]);
  });

  test("wants the version of a draft that is published, and not of one that is awaited", async () => {
    await writeFiles(registry, edited("registry.yaml", "status: stable", "status: draft"));
    await writeFiles(dir, skill("- lab.sample.weighed@1", "- lab.sample.weighed"));
    const found = await findings("skill.yaml", "scenario.yaml");
    expect(found.map((one) => [told(one), one.suggestion])).toEqual([
      ["use-unknown skill.yaml:5:7", "lab.sample.weighed@1"],
    ]);
  });

  test("knows a manifest of another name by its sections, and leaves other files alone", async () => {
    await writeFiles(dir, {
      "weigher.json": JSON.stringify({ events: { publish: ["lab.sample.weihged"] } }),
      "notes.yaml": "events: many\ntriggers: [bell, { event: 7 }]\npublish: lab.unknown\n",
    });
    const found = await findings("weigher.json", "notes.yaml");
    expect(found.map(told)).toEqual(["use-unknown weigher.json:1:23"]);
  });

  test("takes sections that are empty", async () => {
    await writeFiles(dir, { "skill.yaml": "events:\n  subscribe:\n  publish: []\ntriggers:\n" });
    expect(await findings("skill.yaml")).toEqual([]);
  });
});
