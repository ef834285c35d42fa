import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

type Json = Readonly<Record<string, unknown>>;

/** An event of a test's registry. Further fields are copied into its record. */
export interface WrittenEvent {
  readonly name: string;
  readonly version?: number;
  readonly schema: Json;
  /** Data by file name. */
  readonly examples?: Json;
  readonly record?: Json;
}

/** Writes a registry into a temporary folder that is removed with the test. */
export async function writtenRegistry(events: readonly WrittenEvent[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "adaos-registry-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  await writeRegistry(dir, events);
  return dir;
}

export async function writeRegistry(dir: string, events: readonly WrittenEvent[]): Promise<void> {
  const records: Json[] = [];
  for (const { name, version = 1, schema, examples = {}, record = {} } of events) {
    const folder = `${name}/v${version}`;
    const write = async (path: string, value: unknown): Promise<string> => {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), JSON.stringify(value));
      return path;
    };
    const written = Object.entries(examples).map(([title, data]) => {
      return write(`${folder}/examples/${title}.json`, data);
    });
    records.push({
      name,
      version,
      kind: "event",
      summary: `Summary of ${name}.`,
      status: "stable",
      schema: await write(`${folder}/schema.json`, schema),
      examples: await Promise.all(written),
      ...record,
    });
  }
  // JSON is YAML.
  await writeFile(join(dir, "registry.yaml"), JSON.stringify(records));
}

const WEIGHT = { type: "number", minimum: 0, description: "In grams." };

/** A registry with everything that a schema may contain. */
export const RICH: readonly WrittenEvent[] = [
  {
    name: "lab.place.seen",
    schema: {
      $id: "urn:lab:place",
      "x-version": "1.2.0",
      type: "object",
      required: ["room"],
      properties: { room: { type: "string" }, at: { $ref: "#/$defs/point" } },
      $defs: {
        point: {
          type: "array",
          prefixItems: [{ type: "number" }, { type: "number" }],
          items: false,
          minItems: 2,
          description: "A place on the map.",
        },
        grams: { $anchor: "grams", ...WEIGHT },
      },
    },
    examples: { bench: { room: "b", at: [1, 2] } },
  },
  {
    name: "lab.sample.weighed",
    version: 1,
    schema: { "x-version": "1.0.1", type: "object", properties: { grams: WEIGHT } },
    examples: { light: { grams: 0.5 } },
    record: { status: "deprecated" },
  },
  {
    name: "lab.sample.weighed",
    version: 2,
    schema: {
      "x-version": "2.0.0",
      type: "object",
      additionalProperties: false,
      required: ["grams", "owner"],
      properties: {
        grams: { $ref: "urn:lab:place#grams", description: "Net weight." },
        owner: { type: "string", "x-classification": "pii", description: "Whose it is. Größe, 重さ, 🧪" },
        where: { $ref: "urn:lab:place" },
        places: { type: "array", maxItems: 5, items: { $ref: "urn:lab:place#/$defs/point" } },
        labels: { type: "object", additionalProperties: { type: "string", maxLength: 9 } },
        marks: { type: "object", patternProperties: { "^m[0-9]+$": { type: "boolean" } } },
        tree: { $ref: "#/$defs/tree" },
        unit: { enum: ["g", "kg"], default: "g" },
        "größe|`x`": { type: ["string", "null"], deprecated: true },
        result: {
          oneOf: [
            { type: "object", required: ["ok"], properties: { ok: { const: true } } },
            { type: "object", properties: { reason: { type: "string" }, code: { type: "integer" } } },
          ],
        },
        raw: { anyOf: [{ type: "string" }, { type: "integer" }] },
      },
      if: { properties: { unit: { const: "kg" } }, required: ["unit"] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { properties: { precision: { type: "integer", multipleOf: 5 } } },
      $defs: {
        tree: {
          type: "object",
          properties: {
            leaf: { type: "string" },
            branches: { type: "array", items: { $ref: "#/$defs/tree" } },
          },
        },
      },
    },
    examples: {
      full: {
        grams: 3,
        owner: "Ada",
        where: { room: "b" },
        places: [[1, 2]],
        labels: { a: "b" },
        tree: { leaf: "x", branches: [{ leaf: "y", branches: [] }] },
        result: { reason: "wet" },
        raw: 3,
      },
    },
    record: { required_headers: ["correlation_id", "site"], producers: ["lab.*"], consumers: ["*"] },
  },
  {
    name: "lab.old.measured",
    schema: {
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "object",
      definitions: { pair: { items: [{ type: "string" }, { type: "number" }], additionalItems: false } },
      properties: {
        // Keywords beside a reference do not count in draft-07.
        pair: { $ref: "#/definitions/pair", maxItems: 0 },
        a: { type: "integer" },
        b: { type: "integer" },
      },
      dependencies: { a: ["b"], b: { properties: { c: { type: "string" } } } },
    },
    examples: { both: { pair: ["x", 1], a: 1, b: 2, c: "z" } },
    record: { status: "draft" },
  },
  {
    name: "lab.sample.weigh",
    schema: { type: "object", properties: { sample: { type: "string" }, at: { $ref: "urn:lab:place" } } },
    examples: { one: { sample: "s1" }, reference: { $ref: "#/nowhere" } },
    record: { kind: "command", semantics: { idempotency_key: "idempotency_key" } },
  },
  {
    name: "lab.sample.weigh.result",
    schema: { type: "object", properties: { grams: { $ref: "urn:lab:place#grams" } } },
    examples: { heavy: { grams: 9000 } },
    record: { kind: "reply", required_headers: ["correlation_id"] },
  },
  {
    name: "lab.door.close",
    schema: {},
    record: { kind: "command" },
  },
];

/** Text that escapes from every careless context. */
export const HOSTILE_TEXT =
  '</script></code></pre><script>window.pwned=1</script><img src=x onerror="window.pwned=1"> \' " ` | [x](javascript:pwned) --> ]]> \u2028 **b** &lt; \u202e';

/** Hostile values for every text of a registry. */
export const HOSTILE: readonly WrittenEvent[] = [
  {
    name: "constructor.prototype",
    schema: {
      title: HOSTILE_TEXT,
      description: HOSTILE_TEXT,
      "x-version": HOSTILE_TEXT,
      "x-hostile": HOSTILE_TEXT,
      type: "object",
      properties: {
        [HOSTILE_TEXT]: { type: "string", description: HOSTILE_TEXT, default: HOSTILE_TEXT },
        listed: { enum: [HOSTILE_TEXT, "```", "# x"] },
        noted: { "x-classification": "secret", format: HOSTILE_TEXT },
      },
    },
    examples: { plain: { [HOSTILE_TEXT]: HOSTILE_TEXT, listed: "```" } },
    record: { summary: HOSTILE_TEXT.slice(0, 290) },
  },
];
