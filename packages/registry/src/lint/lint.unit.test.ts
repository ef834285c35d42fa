import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { MeshError } from "@adaos/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeDist } from "../dist.ts";
import { loadRegistry } from "../load.ts";
import { type LintReport, lintRegistry } from "./lint-registry.ts";
import { LINT_RULES, type LintRule } from "./rules.ts";

const EVENTS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "lint-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** A registry that is right. The record of each event has 13 lines, the first of them 1, 14 and 27. */
const RIGHT: Readonly<Record<string, string>> = {
  "registry.yaml": ["lab.sample.weighed event", "lab.sample.weigh command", "lab.sample.weigh.result reply"]
    .map((line) => {
      const [name = "", kind = ""] = line.split(" ");
      const base = `${name.replace(".", "/")}/v1`;
      return `- name: ${name}
  version: 1
  kind: ${kind}
  summary: A summary.
  status: stable
  producers: [lab]
  consumers: ["skill.*"]
  schema: ${base}/schema.json
  examples:
    - ${base}/examples/good.json
  invalid_examples:
    - ${base}/examples/invalid/no-id.json
  required_headers: [correlation_id]
`;
    })
    .join(""),
  ...contract("lab.sample.weighed"),
  ...contract("lab.sample.weigh"),
  ...contract("lab.sample.weigh.result"),
};

function contract(name: string): Record<string, string> {
  const base = `${name.replace(".", "/")}/v1`;
  return {
    [`${base}/schema.json`]: `{
  "$id": "urn:adaos:schema:${name}:v1",
  "x-version": "1.0.0",
  "type": "object",
  "required": ["id"],
  "properties": {
    "id": { "type": "string", "minLength": 1 }
  }
}
`,
    [`${base}/examples/good.json`]: `{ "id": "a" }\n`,
    [`${base}/examples/invalid/no-id.json`]: `{
  "error": { "pointer": "/id", "keyword": "required" },
  "data": {}
}
`,
  };
}

const BASE = "lab/sample.weighed/v1";
const SCHEMA = `${BASE}/schema.json`;
const GOOD = `${BASE}/examples/good.json`;
const BAD = `${BASE}/examples/invalid/no-id.json`;
const TYPE = '"type": "string", "minLength": 1';

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
}

async function writeRight(): Promise<void> {
  await write(RIGHT);
  await write(Object.fromEntries((await makeDist(await loadRegistry(dir))).files));
}

/** `<rule> <path below the registry>:<line>:<column>` of every finding. */
function told({ findings }: LintReport): string[] {
  return findings.map(({ rule, file, line, column }) => {
    return `${rule} ${relative(dir, join(process.cwd(), relative(process.cwd(), file)))}:${line}:${column}`;
  });
}

/** Replaces a text that must be there. */
function edit(path: string, from: string, to: string): Record<string, string> {
  const text = RIGHT[path] ?? "";
  expect(text).toContain(from);
  return { [path]: text.replace(from, to) };
}

const index = (from: string, to: string): Record<string, string> => edit("registry.yaml", from, to);
const schema = (from: string, to: string): Record<string, string> => edit(SCHEMA, from, to);

/** What is changed in the right registry, the rule that is then broken, where, and what is suggested. */
const FAULTS: readonly [
  what: string,
  files: () => Record<string, string>,
  place: string,
  suggestion?: string,
][] = [
  ["no YAML", () => ({ "registry.yaml": "- name: [" }), "index-yaml registry.yaml:1:10"],
  ["no list", () => ({ "registry.yaml": "events: []" }), "index-yaml registry.yaml:1:1"],
  ["a field of another kind", () => index("version: 1", "version: one"), "record-field registry.yaml:2:12"],
  [
    "a field that nobody knows",
    () => index("  status: stable", "  status: stable\n  owner: me"),
    "record-field registry.yaml:6:3",
  ],
  ["a name that is none", () => index("lab.sample.weighed", "Lab"), "record-field registry.yaml:1:9"],
  ["a path out of the folder", () => index(SCHEMA, `../${SCHEMA}`), "record-field registry.yaml:8:11"],
  [
    "an event twice",
    () => ({
      "registry.yaml": `${RIGHT["registry.yaml"]}${RIGHT["registry.yaml"]?.slice(0, RIGHT["registry.yaml"].indexOf("- name: lab.sample.weigh\n"))}`,
    }),
    "record-twice registry.yaml:40:9",
  ],
  [
    "an event that says what to do",
    () => index("kind: command", "kind: event"),
    "name-event registry.yaml:14:9",
    "lab.sample.weighed",
  ],
  [
    "a command that says what has happened",
    () => index("kind: event", "kind: command"),
    "name-command registry.yaml:1:9",
  ],
  [
    "a reply of another name",
    () => index("kind: event", "kind: reply"),
    "name-reply registry.yaml:1:9",
    "lab.sample.weighed.result",
  ],
  [
    "an event with a reply's name",
    () => index("kind: reply", "kind: event"),
    "name-event registry.yaml:27:9",
  ],
  [
    "an exception that is none",
    () => index("  status: stable", "  naming_exception: x\n  status: stable"),
    "name-exception-unused registry.yaml:5:21",
  ],
  [
    "a reply to no command",
    () => index("version: 1\n  kind: command", "version: 2\n  kind: command"),
    "reply-without-command registry.yaml:27:9",
    "lab.sample.weigh@2",
  ],
  [
    "a header twice",
    () => index("[correlation_id]", "[correlation_id, correlation_id]"),
    "header-twice registry.yaml:13:38",
  ],
  [
    "a header of the servers",
    () => index("[correlation_id]", "[nats-msg-id]"),
    "header-reserved registry.yaml:13:22",
  ],
  [
    "a header misspelt",
    () => index("[correlation_id]", "[corelation_id]"),
    "header-spelling registry.yaml:13:22",
    "correlation_id",
  ],
  [
    "a command in use whose reply is deprecated",
    () => ({
      "registry.yaml": (RIGHT["registry.yaml"] ?? "").replace(
        /status: stable(?![\s\S]*status: stable)/,
        "status: deprecated",
      ),
    }),
    "deprecated-in-use registry.yaml:18:11",
  ],
  [
    "a schema out of its place",
    () => ({ ...index(SCHEMA, "lab/other.json"), "lab/other.json": RIGHT[SCHEMA] ?? "" }),
    "record-path registry.yaml:8:11",
    SCHEMA,
  ],
  [
    "a schema that is not there",
    () => index(SCHEMA, `${BASE}/shema.json`),
    "file-missing registry.yaml:8:11",
    SCHEMA,
  ],
  [
    "an example that is not there",
    () => index("/good.json", "/god.json"),
    "file-missing registry.yaml:10:7",
    GOOD,
  ],
  [
    "a schema of no UTF-8",
    () => ({ [SCHEMA]: " ".repeat(1024 * 1024 + 1) }),
    "file-unread registry.yaml:8:11",
  ],
  ["a file that no record names", () => ({ "lab/notes.txt": "x" }), "file-orphan lab/notes.txt:1:1"],
  [
    "a schema that is no JSON",
    () => schema('"object",', '"object",,'),
    "schema-json lab/sample.weighed/v1/schema.json:4:20",
  ],
  [
    "a schema cut off",
    () => ({ [SCHEMA]: (RIGHT[SCHEMA] ?? "").slice(0, 100) }),
    "schema-json lab/sample.weighed/v1/schema.json:5:3",
  ],
  [
    "a schema that is no object",
    () => ({ [SCHEMA]: "true" }),
    "schema-json lab/sample.weighed/v1/schema.json:1:1",
  ],
  [
    "another draft",
    () => schema('"type": "object"', '"$schema": "urn:x", "type": "object"'),
    "schema-draft lab/sample.weighed/v1/schema.json:4:14",
  ],
  [
    "an $id of another event",
    () => schema("weighed:v1", "weighd:v1"),
    "schema-id lab/sample.weighed/v1/schema.json:2:10",
    "urn:adaos:schema:lab.sample.weighed:v1",
  ],
  [
    "no $id",
    () => schema('"$id"', '"x-id"'),
    "schema-id lab/sample.weighed/v1/schema.json:1:1",
    "urn:adaos:schema:lab.sample.weighed:v1",
  ],
  ["a taken $id", () => schema("weighed:v1", "weigh:v1"), "schema-id lab/sample.weighed/v1/schema.json:2:10"],
  [
    "another major version",
    () => schema("1.0.0", "2.0.0"),
    "schema-version lab/sample.weighed/v1/schema.json:3:16",
    "1.0.0",
  ],
  ["half a version", () => schema("1.0.0", "1.0"), "schema-version lab/sample.weighed/v1/schema.json:3:16"],
  [
    "no version",
    () => schema('"x-version"', '"x-vers"'),
    "schema-version lab/sample.weighed/v1/schema.json:1:1",
  ],
  [
    "what is no schema",
    () => schema(TYPE, '"type": "strng"'),
    "schema-invalid lab/sample.weighed/v1/schema.json:7:21",
  ],
  [
    "a schema without end",
    () => schema(TYPE, `"not": ${'{"not":'.repeat(300)}{}${"}".repeat(300)}`),
    "schema-depth lab/sample.weighed/v1/schema.json",
  ],
  [
    "a reference to nothing",
    () => schema(TYPE, '"$ref": "#/$defs/idd"'),
    "schema-reference lab/sample.weighed/v1/schema.json:7:21",
  ],
  [
    "a reference misspelt",
    () => schema(TYPE, '"$ref": "urn:adaos:schema:lab.sample.weihg:v1"'),
    "schema-reference lab/sample.weighed/v1/schema.json:7:21",
    "urn:adaos:schema:lab.sample.weigh:v1",
  ],
  [
    "a circle",
    () => schema('"type": "object"', '"allOf": [{ "$ref": "#" }]'),
    "schema-reference lab/sample.weighed/v1/schema.json:1:1",
  ],
  [
    "a pattern without end",
    () => schema(TYPE, '"pattern": "^(?!x)"'),
    "pattern-unsafe lab/sample.weighed/v1/schema.json:7:24",
  ],
  [
    "a pattern that is none",
    () => schema(TYPE, '"pattern": "("'),
    "pattern-unsafe lab/sample.weighed/v1/schema.json:7:24",
  ],
  [
    "a keyword misspelt",
    () => schema("minLength", "minLenght"),
    "keyword-unsupported lab/sample.weighed/v1/schema.json:7:44",
    "minLength",
  ],
  [
    "a keyword of the other draft",
    () => schema('"type": "object"', '"dependencies": {}'),
    "keyword-unsupported lab/sample.weighed/v1/schema.json:4:19",
    "dependentRequired or dependentSchemas",
  ],
  [
    "a keyword of another dialect",
    () => schema(TYPE, '"nullable": true'),
    "keyword-unsupported lab/sample.weighed/v1/schema.json:7:25",
  ],
  [
    "a keyword of nobody",
    () => schema('"minLength": 1', '"sensitivity": 1'),
    "keyword-unknown lab/sample.weighed/v1/schema.json:7:46",
  ],
  [
    "keywords that do not count",
    () =>
      schema(
        '"type": "object"',
        '"$schema": "http://json-schema.org/draft-07/schema#", "properties2": 0, "allOf": [{ "$ref": "#/properties/id", "minLength": 1 }]',
      ),
    "keyword-unsupported lab/sample.weighed/v1/schema.json:4:127",
  ],
  [
    "a format misspelt",
    () => schema('"minLength": 1', '"format": "datetime"'),
    "format-unknown lab/sample.weighed/v1/schema.json:7:41",
    "date-time",
  ],
  ["no example", () => index(`  examples:\n    - ${GOOD}\n`, ""), "example-none registry.yaml:1:3"],
  [
    "no invalid example",
    () => index(`  invalid_examples:\n    - ${BAD}\n`, ""),
    "invalid-example-none registry.yaml:1:3",
  ],
  ["an example that is no JSON", () => ({ [GOOD]: '{\n  "id": a }' }), `example-json ${GOOD}:2:9`],
  ["an example of two meanings", () => ({ [GOOD]: '{ "id": "a", "id": "b" }' }), `example-json ${GOOD}:1:1`],
  ["an example that is not valid", () => ({ [GOOD]: '{\n  "id": 1 }' }), `example-invalid ${GOOD}:2:9`],
  ["an invalid example that says nothing", () => ({ [BAD]: "{}" }), `invalid-example-form ${BAD}:1:1`],
  [
    "an invalid example that is valid",
    () => edit(BAD, "{}\n", '{ "id": "a" }\n'),
    `invalid-example-valid ${BAD}:3:11`,
  ],
  [
    "an invalid example of another error",
    () => edit(BAD, '"required"', '"type"'),
    `invalid-example-error ${BAD}:2:12`,
    '{"pointer":"/id","keyword":"required"}',
  ],
  [
    "an index that is not up to date",
    () => index("A summary.", "Another."),
    "dist-stale _dist/registry.json:1:1",
    "adaos events registry generate",
  ],
  [
    "types that are not up to date",
    () => schema('"minLength": 1', '"maxLength": 9'),
    "dist-stale _dist/events.d.ts:1:1",
  ],
];

describe("lintRegistry()", () => {
  test("finds nothing in the registry of this repository", async () => {
    expect(await lintRegistry(EVENTS)).toMatchObject({ errors: 0, warnings: 0, findings: [] });
  });

  test("finds nothing in a registry that is right, and warns when nothing was generated", async () => {
    await writeRight();
    expect(await lintRegistry(dir)).toEqual({ records: 3, errors: 0, warnings: 0, findings: [] });
    await rm(join(dir, "_dist"), { recursive: true });
    expect(told(await lintRegistry(dir))).toEqual([
      "dist-missing _dist/events.d.ts:1:1",
      "dist-missing _dist/registry.json:1:1",
    ]);
  });

  test.each(FAULTS)("finds %s, and where", async (_, files, place, suggestion) => {
    await writeRight();
    await write(files());
    const report = await lintRegistry(dir);
    const found = report.findings.find((_finding, i) => told(report)[i]?.startsWith(place) === true);
    expect(told(report).join("\n")).toContain(place);
    expect(found?.severity).toBe(LINT_RULES[place.split(" ")[0] as LintRule]);
    if (suggestion !== undefined) expect(found?.suggestion).toBe(suggestion);
  });

  test("has a fault above for every rule, or a test below", () => {
    const below = ["version-superseded", "use-unknown", "dist-missing"];
    const tested = new Set([...FAULTS.map(([, , place]) => place.split(" ")[0]), ...below]);
    expect(Object.keys(LINT_RULES).filter((rule) => !tested.has(rule))).toEqual([]);
  });

  test("tells faults of every part in one run", async () => {
    await writeRight();
    await write({
      "registry.yaml": (RIGHT["registry.yaml"] ?? "")
        .replace("version: 1\n  kind: reply", "version: x\n  kind: reply")
        .replace("/good.json", "/god.json"),
      [SCHEMA]: (RIGHT[SCHEMA] ?? "").replace("1.0.0", "1.0").replace(TYPE, '"pattern": "(", "minLenght": 1'),
      ...edit("lab/sample.weigh/v1/examples/good.json", '"a"', "1"),
      "stray.json": "{}",
    });
    const rules = (await lintRegistry(dir)).findings.map(({ rule }) => rule);
    for (const rule of [
      "record-field",
      "file-missing",
      "schema-version",
      "pattern-unsafe",
      "keyword-unsupported",
      "example-invalid",
      "file-orphan",
    ])
      expect(rules).toContain(rule);
  });

  test("does not call files orphans whose record is broken", async () => {
    await writeRight();
    await write(index("kind: event", "kind: evnt"));
    expect(told(await lintRegistry(dir))).toEqual(["record-field registry.yaml:3:9"]);
  });

  test("takes the short form of $id", async () => {
    await write(RIGHT);
    await write(schema("urn:adaos:schema:lab.sample.weighed:v1", "lab.sample.weighed.v1"));
    expect(await lintRegistry(dir)).toMatchObject({ errors: 0 });
    expect((await loadRegistry(dir)).resolve("lab.sample.weighed").schema).toBe("lab.sample.weighed.v1");
  });

  test("takes a name that breaks the rules where the record says why", async () => {
    await writeRight();
    await write(index("kind: command", "naming_exception: the word of the laboratory\n  kind: event"));
    const rules = (await lintRegistry(dir)).findings.map(({ rule }) => rule);
    expect(rules).not.toContain("name-event");
  });

  test("warns of an older version that is still stable, and of who refers to a deprecated one", async () => {
    const second = Object.fromEntries(
      Object.entries(contract("lab.sample.weighed")).map(([path, text]) => [
        path.replace("/v1/", "/v2/"),
        text.replace(":v1", ":v2").replace("1.0.0", "2.0.0"),
      ]),
    );
    const first = (RIGHT["registry.yaml"] ?? "").slice(
      0,
      RIGHT["registry.yaml"]?.indexOf("- name: lab.sample.weigh\n"),
    );
    const both = `${RIGHT["registry.yaml"]}${first.replace("version: 1", "version: 2").replaceAll("/v1/", "/v2/")}`;
    await write({ ...RIGHT, ...second, "registry.yaml": both });
    expect(told(await lintRegistry(dir))).toContain("version-superseded registry.yaml:5:11");
    const user = edit(
      "lab/sample.weigh/v1/schema.json",
      TYPE,
      '"$ref": "urn:adaos:schema:lab.sample.weighed:v1#/properties/id"',
    );
    await write({ ...user, "registry.yaml": both.replace("status: stable", "status: deprecated") });
    const uses = join(dir, "skill.yaml");
    await writeFile(
      uses,
      "subscribe: [lab.sample.weighed@1, lab.sample.weighed@2]\npublish:\n  - lab.sample.weigheb@2\n  - someone@example.org\n",
    );
    const report = await lintRegistry(dir, { uses: [uses] });
    expect(told(report)).toEqual(
      expect.arrayContaining([
        "deprecated-in-use lab/sample.weigh/v1/schema.json:7:21",
        "deprecated-in-use skill.yaml:1:13",
        "use-unknown skill.yaml:3:5",
      ]),
    );
    const meant = report.findings
      .filter(({ file }) => file.endsWith("skill.yaml"))
      .map(({ suggestion }) => suggestion);
    expect(meant).toEqual([undefined, "lab.sample.weighed@2", "lab.sample.weighed@2"].slice(-meant.length));
  });

  test("refuses a folder that is not there, and tells of one without an index", async () => {
    await expect(lintRegistry(join(dir, "none"))).rejects.toThrow(MeshError);
    expect(told(await lintRegistry(dir))[0]).toBe("file-missing registry.yaml:1:1");
  });

  test("follows no link out of the folder", async () => {
    await writeRight();
    await rm(join(dir, SCHEMA));
    await symlink("/etc/hostname", join(dir, SCHEMA));
    expect(told(await lintRegistry(dir))).toContain("file-unread registry.yaml:8:11");
  });

  test("tells a thousand of very many faults, and counts the others", async () => {
    await write({ "registry.yaml": "- nonsense\n".repeat(5000) });
    const { findings, errors } = await lintRegistry(dir);
    expect([findings.length, errors]).toEqual([1000, 5000]);
    await write({ "registry.yaml": `- "${"x".repeat(100_000)}": 1\n` });
    for (const { message } of (await lintRegistry(dir)).findings) expect(message.length).toBeLessThan(500);
  });

  test("survives whatever its files hold", async () => {
    await writeRight();
    const paths = Object.keys(RIGHT);
    const change = fc.record({
      path: fc.constantFrom(...paths),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(20),
      text: fc.oneof(
        fc.string(),
        fc.constantFrom("{", "}", "[", '"', ":", "null", "\u0000", "- ", "$ref", "\\"),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        await write(RIGHT);
        for (const { path, at, length, text } of changes) {
          const before = RIGHT[path] ?? "";
          const start = Math.floor(at * before.length);
          await write({ [path]: before.slice(0, start) + text + before.slice(start + length) });
        }
        const { findings } = await lintRegistry(dir);
        for (const { line, column } of findings) expect(Math.min(line, column)).toBeGreaterThan(0);
      }),
      { numRuns: 150 },
    );
  });

  test("looks through a thousand events in seconds", async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `lab${i}.sample.weighed`);
    const record = (RIGHT["registry.yaml"] ?? "").split("- name: lab.sample.weigh\n")[0] ?? "";
    await write({
      "registry.yaml": names
        .map((name) =>
          record.replace("lab.sample.weighed", name).replaceAll("lab/", `${name.split(".")[0]}/`),
        )
        .join(""),
    });
    for (const name of names) await write(contract(name));
    const startedMs = performance.now();
    expect(await lintRegistry(dir)).toMatchObject({ records: 1000, errors: 0 });
    // 1.5 to 2.5 s on two cores that others share.
    expect(performance.now() - startedMs).toBeLessThan(25_000);
  });
});
