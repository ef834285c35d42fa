import { placeInJson } from "@adaos/config";
import { messageOf, quote, repeatedKey } from "@adaos/core/wire";
import { type ReportFault, type SchemaRule, throwFault } from "./schema-fault.ts";

/** The dialects of JSON Schema in a registry. */
export type Draft = "2020-12" | "draft-07";

export type JsonObject = Record<string, unknown>;

/** One schema file. */
export interface SchemaDocument {
  /** For messages. */
  readonly file: string;
  readonly draft: Draft;
  /** Base of its references: `$id` without an empty fragment, else a private URI. */
  readonly uri: string;
  /** `$id` as written. */
  readonly id: string | undefined;
  readonly schema: JsonObject;
  /**
   * `schemas/ui/notify/v1/schema.json:7:5` of the value at a JSON pointer; for messages, since it parses the file
   * again.
   */
  placeOf(pointer: string): string;
}

const DRAFT_OF: ReadonlyMap<unknown, Draft> = new Map<unknown, Draft>([
  [undefined, "2020-12"],
  ["https://json-schema.org/draft/2020-12/schema", "2020-12"],
  ["https://json-schema.org/draft/2020-12/schema#", "2020-12"],
  ["http://json-schema.org/draft-07/schema", "draft-07"],
  ["http://json-schema.org/draft-07/schema#", "draft-07"],
]);

/**
 * Parses the text of a schema file. Pure.
 * @param privateUri Base of the references of a schema without `$id`.
 * @param report Takes problems; by default throws MeshError `invalid-config` naming the file.
 * @returns Undefined where the text is not a schema of a known draft.
 */
export function parseSchemaDocument(
  text: string,
  file: string,
  privateUri: string,
  report: ReportFault = throwFault,
): SchemaDocument | undefined {
  const fail = (rule: SchemaRule, pointer: string, problem: string): void =>
    report({ rule, file, pointer, problem });
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (cause) {
    fail("schema-json", "", `not JSON: ${messageOf(cause)}`);
    return undefined;
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined) {
    fail("schema-json", "", `the key ${quote(repeated)} is not unique; remove one`);
  }
  if (!isObject(schema)) {
    fail("schema-json", "", "a schema must be a JSON object");
    return undefined;
  }
  const draft = draftOf(schema["$schema"], file, "", report);
  const written = schema["$id"];
  const id = typeof written === "string" && withoutEmptyFragment(written) !== "" ? written : undefined;
  if (id !== written) fail("schema-id", "/$id", ID_PROBLEM);
  if (draft === undefined) return undefined;
  const uri = id === undefined ? privateUri : withoutEmptyFragment(id);
  const placeOf = (pointer: string): string => {
    const { line, column } = placeInJson(text, pointer);
    return `${file}:${line}:${column}`;
  };
  return { file, draft, uri, id, schema, placeOf };
}

/** The steps of a JSON pointer. */
export function tokensOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const ID_PROBLEM = "$id must be a URI, for example urn:adaos:schema:ui.notify:v1";

/** The dialect of `$schema`, 2020-12 where it is absent; undefined, with a report, where it is unknown. */
export function draftOf(
  name: unknown,
  file: string,
  pointer: string,
  report: ReportFault,
): Draft | undefined {
  const draft = DRAFT_OF.get(name);
  if (draft !== undefined) return draft;
  const told = typeof name === "string" ? quote(name) : "not a string";
  report({
    rule: "schema-draft",
    file,
    pointer: `${pointer}/$schema`,
    problem: `${pointer}/$schema is ${told}; supported are "https://json-schema.org/draft/2020-12/schema" and "http://json-schema.org/draft-07/schema#"`,
  });
  return undefined;
}

/** `urn:a#` and `urn:a` are one URI. */
export function withoutEmptyFragment(uri: string): string {
  return uri.replace(/#\/?$/, "");
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
