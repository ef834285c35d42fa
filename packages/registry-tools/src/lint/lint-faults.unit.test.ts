import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { edited, RIGHT, writeFiles, writeRight } from "../../../../test/kit/small-registry.ts";
import type { Finding } from "./findings.ts";
import { lintRegistry } from "./lint-registry.ts";
import { LINT_RULES, type LintRule } from "./rules.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "lint-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const BASE = "lab/sample.weighed/v1";
const SCHEMA = `${BASE}/schema.json`;
const GOOD = `${BASE}/examples/good.json`;
const BAD = `${BASE}/examples/invalid/no-id.json`;
const TYPE = '"type": "string", "minLength": 1';

const index = (from: string, to: string): Record<string, string> => edited("registry.yaml", from, to);
const schema = (from: string, to: string): Record<string, string> => edited(SCHEMA, from, to);

/** As `adaos events registry release` writes it for the right registry. */
const RELEASED = JSON.stringify({
  lock: 1,
  events: [
    {
      name: "lab.sample.weighed",
      version: 1,
      kind: "event",
      status: "stable",
      required_headers: ["correlation_id"],
      schema: JSON.parse(RIGHT[SCHEMA] ?? "") as unknown,
    },
  ],
});

/** A change of the valid registry, the broken rule, its place, and the suggestion. */
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
    () => edited(BAD, "{}\n", '{ "id": "a" }\n'),
    `invalid-example-valid ${BAD}:3:11`,
  ],
  [
    "an invalid example of another error",
    () => edited(BAD, '"required"', '"type"'),
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
    "a classification that is none",
    () => schema(TYPE, `"type": "string", "x-classification": "private"`),
    `schema-classification ${SCHEMA}:7:`,
  ],
  [
    "a breaking change of what was released",
    () => ({ ...schema(TYPE, '"type": "integer"'), "registry.lock.json": RELEASED }),
    "breaking-change registry.yaml:1:9",
  ],
  [
    "another schema under the released version",
    () => ({ ...schema('"properties": {', '"properties": { "note": {},'), "registry.lock.json": RELEASED }),
    "version-not-raised registry.yaml:1:9",
  ],
  [
    "a released event that has gone",
    () => ({ "registry.lock.json": RELEASED.replace('"lab.sample.weighed"', '"lab.sample.lost"') }),
    "released-removed registry.lock.json:1:1",
  ],
  ["a lock that is none", () => ({ "registry.lock.json": "{}" }), "lock-unread registry.lock.json:1:1"],
  [
    "types that are not up to date",
    () => schema('"minLength": 1', '"maxLength": 9'),
    "dist-stale _dist/events.d.ts:1:1",
  ],
];

function told({ rule, file, line, column }: Finding): string {
  return `${rule} ${relative(dir, resolve(file))}:${line}:${column}`;
}

describe("lintRegistry(), one fault at a time", () => {
  test.each(FAULTS)("finds %s, and where", async (_, files, place, suggestion) => {
    await writeRight(dir);
    await writeFiles(dir, files());
    const report = await lintRegistry(dir);
    const found = report.findings.find((finding) => told(finding).startsWith(place));
    expect(report.findings.map(told).join("\n")).toContain(place);
    expect(found?.severity).toBe(LINT_RULES[place.split(" ")[0] as LintRule]);
    if (suggestion !== undefined) expect(found?.suggestion).toBe(suggestion);
  });

  test("has a fault above for every rule, or a test elsewhere", () => {
    const manifest = ["use-unknown", "use-form", "use-schema", "manifest-form"];
    const below = ["version-superseded", "dist-missing", ...manifest];
    const tested = new Set([...FAULTS.map(([, , place]) => place.split(" ")[0]), ...below]);
    expect(Object.keys(LINT_RULES).filter((rule) => !tested.has(rule))).toEqual([]);
  });
});
