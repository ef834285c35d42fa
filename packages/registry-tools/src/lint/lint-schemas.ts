import type { Place } from "@adaos/config";
import { placeInJson, placeOfSyntaxError } from "@adaos/config";
import { escapePointer, nearest, quote } from "@adaos/core/wire";
import type { JsonObject, SchemaDocument, SchemaFault } from "@adaos/json-schema";
import {
  describesOnly,
  insteadOf,
  isKnownKeyword,
  KNOWN_FORMATS,
  knownKeywords,
  subschemas,
} from "@adaos/json-schema";
import type { EventRecord } from "@adaos/registry";
import { isSchemaIdOf, schemaIdOf } from "@adaos/registry";
import type { LintRule } from "./rules.ts";

/** Reports a problem of a schema, at a JSON pointer. */
export type TellSchema = (rule: LintRule, pointer: string, message: string, suggestion?: string) => void;

const FULL_VERSION = /^(\d+)\.\d+\.\d+$/;
/** Deepest nesting of a schema; deeper parts are reported as `schema-depth`. */
const MAX_DEPTH = 200;

/** Checks `$id` and version of a record's schema. Pure. */
export function lintIdentity({ id, schema }: SchemaDocument, record: EventRecord, tell: TellSchema): void {
  const { name, version } = record;
  const wanted = schemaIdOf(name, version);
  if (id === undefined) {
    // The reader has already reported an `$id` that is not text.
    if (schema["$id"] === undefined) tell("schema-id", "", "the schema has no $id", wanted);
  } else if (!isSchemaIdOf(id, name, version)) {
    tell("schema-id", "/$id", `$id ${quote(id)} is not that of ${name}@${version}`, wanted);
  }
  const full = schema["x-version"];
  const major = typeof full === "string" ? FULL_VERSION.exec(full)?.[1] : undefined;
  if (full === undefined) tell("schema-version", "", "the schema has no x-version", `${version}.0.0`);
  else if (major === undefined) {
    tell("schema-version", "/x-version", 'x-version must be a text such as "1.2.0"', `${version}.0.0`);
  } else if (Number(major) !== version) {
    const told = `x-version ${full} is of another major version than the record, ${version}`;
    tell("schema-version", "/x-version", told, `${version}.0.0`);
  }
}

/**
 * Reports keywords and formats that the validator ignores. Call it before a validator gets the schema, which it
 * changes. Pure.
 */
export function lintKeywords(document: SchemaDocument, tell: TellSchema): void {
  const { draft } = document;
  const look = (schema: JsonObject, pointer: string, depth: number): void => {
    for (const keyword of Object.keys(schema)) lintKeyword(keyword, draft, pointer, tell);
    lintBesideRef(schema, draft, pointer, tell);
    lintUnevaluatedItems(schema, pointer, tell);
    const { format } = schema;
    if (typeof format === "string" && !KNOWN_FORMATS.includes(format)) {
      const told = `the format ${quote(format)} is not known and not asserted`;
      tell("format-unknown", `${pointer}/format`, told, nearest(format, KNOWN_FORMATS));
    }
    if (depth >= MAX_DEPTH) return;
    for (const [way, inner] of subschemas(schema)) look(inner, pointer + way, depth + 1);
  };
  look(document.schema, "", 0);
}

function lintKeyword(
  keyword: string,
  draft: SchemaDocument["draft"],
  pointer: string,
  tell: TellSchema,
): void {
  if (isKnownKeyword(keyword, draft)) return;
  const at = `${pointer}/${escapePointer(keyword)}`;
  const meant = insteadOf(keyword, draft) ?? nearest(keyword, knownKeywords(draft));
  if (meant === undefined) {
    const told = `the keyword ${quote(keyword)} is not known and changes nothing; extensions begin with x-`;
    tell("keyword-unknown", at, told);
  } else {
    tell("keyword-unsupported", at, `the validator passes over the keyword ${quote(keyword)}`, meant);
  }
}

/** The validator does not count items matched by `contains` as evaluated (the official suite shows it). */
function lintUnevaluatedItems(schema: JsonObject, pointer: string, tell: TellSchema): void {
  if (schema["unevaluatedItems"] === undefined || schema["contains"] === undefined) return;
  const told = "the validator judges unevaluatedItems as if contains beside it were not there";
  tell("keyword-unsupported", `${pointer}/unevaluatedItems`, told, "items");
}

function lintBesideRef(
  schema: JsonObject,
  draft: SchemaDocument["draft"],
  pointer: string,
  tell: TellSchema,
): void {
  if (draft !== "draft-07" || typeof schema["$ref"] !== "string") return;
  for (const keyword of Object.keys(schema)) {
    if (describesOnly(keyword)) continue;
    const told = `in draft-07 the keyword ${quote(keyword)} does not count beside $ref`;
    tell("keyword-unsupported", `${pointer}/${escapePointer(keyword)}`, told, "allOf around both");
  }
}

/** `$id`s that a schema refers to, with the pointer of each reference. Pure. */
export function referencesOf(document: SchemaDocument): { readonly id: string; readonly pointer: string }[] {
  const found: { id: string; pointer: string }[] = [];
  const look = (schema: JsonObject, pointer: string, depth: number): void => {
    const { $ref } = schema;
    if (typeof $ref === "string" && !$ref.startsWith("#")) {
      found.push({ id: $ref.replace(/#.*$/s, ""), pointer: `${pointer}/$ref` });
    }
    if (depth >= MAX_DEPTH) return;
    for (const [way, inner] of subschemas(schema)) look(inner, pointer + way, depth + 1);
  };
  look(document.schema, "", 0);
  return found;
}

/** The place of a fault in the text of its file. */
export function placeOfFault({ rule, pointer }: SchemaFault, text: string): Place {
  return rule === "schema-json" && !isJson(text) ? placeOfSyntaxError(text) : placeInJson(text, pointer);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
