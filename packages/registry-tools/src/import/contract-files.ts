import { MeshError } from "@adaos/core";
import { counted, quote } from "@adaos/core/wire";
import {
  isObject,
  type JsonObject,
  parseSchemaDocument,
  SchemaValidators,
  throwFault,
} from "@adaos/json-schema";
import type { EventRecord } from "@adaos/registry";
import { contractPaths, MAX_SCHEMA_BYTES, schemaIdOf } from "@adaos/registry";
import type { PlannedContract } from "../scaffold/plan-contracts.ts";
import { bundleSchema } from "./bundle-schema.ts";
import { DRAFT_07, type FoundContract, type FoundContracts } from "./found-contract.ts";
import type { ContractName } from "./name-contract.ts";

const MAX_EXAMPLES = 20;
const MAX_SUMMARY = 300;

/** A contract ready to be written, and notes for a person to check. */
export interface ImportedContract extends ContractName {
  readonly called: string;
  readonly planned: PlannedContract;
  readonly notes: readonly string[];
}

/** Record, schema and examples of a found contract. Pure. Throws `invalid-config` where its schema is invalid. */
export function importedContract(
  found: FoundContract,
  name: ContractName,
  source: FoundContracts,
  namingException: string | undefined,
): ImportedContract {
  const { version } = name;
  const paths = contractPaths(name.name, version);
  const schema = schemaOf(found, name, source);
  const text = jsonText(schema);
  if (text.length > MAX_SCHEMA_BYTES)
    throw new MeshError(
      "too-large",
      `${found.at} ${quote(found.called)} is ${text.length} characters with all that it refers to, the limit is ${MAX_SCHEMA_BYTES}`,
    );
  const document = parseSchemaDocument(text, found.at, "urn:adaos:import", throwFault);
  if (document === undefined) throw new MeshError("internal", `${found.at} was not read`);
  // Without the rest of the registry its references lead nowhere; lint judges those examples.
  const isWhole = !text.includes('"$ref": "urn:adaos:schema:');
  const validators = isWhole ? new SchemaValidators([document]) : undefined;
  const takes = (data: unknown): boolean =>
    validators === undefined || validators.validatorOf(document)(data).valid;
  const valid = found.examples.filter(takes);
  const kept = distinct(valid).slice(0, MAX_EXAMPLES);
  const files = new Map([[paths.schema, text]]);
  const examples = kept.map((_, i) => `${paths.examples}/${i + 1}.json`);
  for (const [i, data] of kept.entries()) files.set(examples[i] ?? "", jsonText(data));
  const invalid: string[] = [];
  const wrong = validators && wrongData(kept).find((data) => !takes(data));
  if (wrong !== undefined && validators !== undefined) {
    const [error] = validators.brokenRules(document, wrong);
    if (error !== undefined) {
      invalid.push(`${paths.invalidExamples}/first.json`);
      files.set(invalid[0] ?? "", jsonText({ error, data: wrong }));
    }
  }
  const refused = found.examples.length - valid.length;
  const notes =
    refused === 0
      ? []
      : [`${found.at} left out ${counted(refused, "example")} of ${found.called}: not valid by its schema`];
  const record = recordOf(
    found,
    name,
    { schema: paths.schema, examples, invalid_examples: invalid },
    namingException,
  );
  return { ...name, called: found.called, notes, planned: { name: name.name, version, record, files } };
}

function recordOf(
  { summary, called, requiredHeaders }: FoundContract,
  { name, version, kind }: ContractName,
  paths: Pick<EventRecord, "schema" | "examples" | "invalid_examples">,
  namingException: string | undefined,
): Partial<EventRecord> {
  const [line = ""] = (summary ?? `What ${called} means, in one sentence.`).trim().split("\n");
  return {
    name,
    version,
    kind,
    summary: line.slice(0, MAX_SUMMARY),
    ...(namingException === undefined ? {} : { naming_exception: namingException }),
    status: "draft",
    producers: [],
    consumers: [],
    ...paths,
    required_headers: [...new Set([...requiredHeaders, ...(kind === "reply" ? ["correlation_id"] : [])])],
    semantics: {
      delivery: "at-least-once",
      idempotency_key: kind === "command" ? "idempotency_key" : "event_id",
    },
  };
}

function schemaOf({ schema: found }: FoundContract, name: ContractName, source: FoundContracts): JsonObject {
  if (found.kind === "made") return withHead(found.schema, source.defaultSchema, name);
  const { file, pointer } = found.source;
  const dialect = pointer === "" ? source.documents.get(file)?.["$schema"] : undefined;
  const $schema = typeof dialect === "string" ? dialect : source.defaultSchema;
  const isDraft07 = $schema.replace(/#$/, "") === DRAFT_07.replace(/#$/, "");
  const bundled = bundleSchema(found.source, source.documents, isDraft07);
  const { $ref, ...rest } = bundled;
  // Beside a reference draft-07 ignores everything, also $id.
  const free = isDraft07 && $ref !== undefined ? { ...rest, allOf: [{ $ref }] } : bundled;
  return withHead(free, $schema, name);
}

/** Identity and dialect are set by us; examples are in files. */
function withHead(schema: JsonObject, $schema: string, { name, version }: ContractName): JsonObject {
  const {
    $schema: own,
    $id: _id,
    examples: _examples,
    externalDocs: _docs,
    "x-version": full,
    ...rest
  } = schema;
  const isOfVersion =
    typeof full === "string" && /^\d+\.\d+\.\d+$/.test(full) && full.startsWith(`${version}.`);
  return {
    $schema: own ?? $schema,
    $id: schemaIdOf(name, version),
    "x-version": isOfVersion ? full : `${version}.0.0`,
    ...rest,
  };
}

function without(value: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([held]) => held !== key));
}

/** Data that a schema most likely refuses: an empty object, or an example without one of its fields. */
function wrongData(examples: readonly unknown[]): unknown[] {
  const [first] = examples;
  const fewer = isObject(first)
    ? Object.keys(first)
        .slice(0, 100)
        .map((key) => without(first, key))
    : [];
  return [...fewer, {}, null, [], ""];
}

function distinct(values: readonly unknown[]): unknown[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
