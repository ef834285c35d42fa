import type { EventKind } from "@adaos/core";
import type { EventRecord } from "@adaos/registry";
import { CONTRACT_TEST, contractPaths, schemaIdOf } from "@adaos/registry";

/** A new contract: its name and its known facts. */
export interface NewContract {
  readonly name: string;
  readonly version: number;
  readonly kind: EventKind;
  readonly summary: string;
  /** The reason why the name may break the naming rules. */
  readonly namingException?: string | undefined;
}

interface Sample {
  readonly field: string;
  readonly schema: object;
  readonly value: string;
}

const ID: Sample = {
  field: "id",
  schema: { type: "string", description: "What it is about.", minLength: 1, maxLength: 128 },
  value: "example",
};
const STATUS: Sample = {
  field: "status",
  schema: { description: "How it ended.", enum: ["succeeded", "failed"] },
  value: "succeeded",
};

/** The record of a new contract. A draft: its author declares when it is stable. */
export function recordOf({
  name,
  version,
  kind,
  summary,
  namingException,
}: NewContract): Partial<EventRecord> {
  const paths = contractPaths(name, version);
  const { field } = sampleOf(kind);
  return {
    name,
    version,
    kind,
    summary,
    ...(namingException === undefined ? {} : { naming_exception: namingException }),
    status: "draft",
    producers: [],
    consumers: [],
    schema: paths.schema,
    examples: [`${paths.examples}/first.json`],
    invalid_examples: [`${paths.invalidExamples}/no-${field}.json`],
    required_headers: kind === "reply" ? ["correlation_id"] : [],
    semantics: {
      delivery: "at-least-once",
      idempotency_key: kind === "command" ? "idempotency_key" : "event_id",
    },
  };
}

/** The files of a new contract by their paths below the registry folder. */
export function contractFiles(contract: NewContract): ReadonlyMap<string, string> {
  const { name, version, kind, summary } = contract;
  const paths = contractPaths(name, version);
  const { field, schema, value } = sampleOf(kind);
  const words = name.split(/[._-]/).slice(1).join(" ");
  const invalid = { error: { pointer: `/${field}`, keyword: "required" }, data: {} };
  return new Map([
    [
      paths.schema,
      jsonText({
        $schema: "https://json-schema.org/draft/2020-12/schema",
        $id: schemaIdOf(name, version),
        "x-version": `${version}.0.0`,
        title: words.charAt(0).toUpperCase() + words.slice(1),
        description: summary,
        type: "object",
        additionalProperties: false,
        required: [field],
        properties: { [field]: schema },
      }),
    ],
    [`${paths.examples}/first.json`, jsonText({ [field]: value })],
    [`${paths.invalidExamples}/no-${field}.json`, jsonText(invalid)],
    [`${paths.folder}/${CONTRACT_TEST}`, testText(contract)],
  ]);
}

function sampleOf(kind: EventKind): Sample {
  return kind === "reply" ? STATUS : ID;
}

function testText({ name, version, kind }: NewContract): string {
  const { field, value } = sampleOf(kind);
  return `import { fileURLToPath } from "node:url";
import { loadRegistry } from "@adaos/registry";
import { describe, expect, test } from "vitest";

const registry = await loadRegistry(fileURLToPath(new URL("../../..", import.meta.url)));
const { validate } = registry.resolve(${JSON.stringify(name)}, ${version});

describe(${JSON.stringify(`${name}@${version}`)}, () => {
  test("takes what has its fields", () => {
    expect(validate({ ${field}: ${JSON.stringify(value)} })).toEqual({ valid: true, violations: [] });
  });

  test("refuses what lacks ${field}", () => {
    expect(validate({}).violations).toEqual([{ pointer: "/${field}", expected: "is required" }]);
  });
});
`;
}

/** Lists of words on one line, as the formatter writes them. */
function jsonText(value: object): string {
  const text = JSON.stringify(value, undefined, 2);
  return `${text.replaceAll(/\[\s+([^[\]{}]*?)\s+\]/g, (_, list: string) => `[${list.replaceAll(/,\s+/g, ", ")}]`)}\n`;
}
