import { parseYaml } from "@adaos/config";
import { MeshError, messageOf, quote, repeatedKey } from "@adaos/core";
import { z } from "zod";

/** The dialects of JSON Schema that a registry may hold. */
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
  /** `schemas/ui/notify/v1/schema.json:7:5` of what stands at a JSON pointer; for messages, since it reads all anew. */
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
 * @throws MeshError `invalid-config` naming the file.
 */
export function parseSchemaDocument(text: string, file: string, privateUri: string): SchemaDocument {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (cause) {
    throw new MeshError("invalid-config", `${file}: not JSON: ${messageOf(cause)}`, { cause });
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined) {
    throw new MeshError("invalid-config", `${file}: the key ${quote(repeated)} is not unique; remove one`);
  }
  if (!isObject(schema)) throw new MeshError("invalid-config", `${file}: a schema must be a JSON object`);
  const id = schema["$id"];
  if (id !== undefined && (typeof id !== "string" || withoutEmptyFragment(id) === "")) {
    throw new MeshError(
      "invalid-config",
      `${file}: $id must be a URI, for example urn:adaos:schema:ui.notify:v1`,
    );
  }
  const uri = id === undefined ? privateUri : withoutEmptyFragment(id);
  const placeOf = (pointer: string): string => placeIn(text, file, pointer);
  return { file, draft: draftOf(schema["$schema"], file, ""), uri, id, schema, placeOf };
}

function placeIn(text: string, file: string, pointer: string): string {
  try {
    const { value, placeOf } = parseYaml(text, file, z.unknown());
    let at = value;
    const path = tokensOf(pointer).map((token) => {
      const step = Array.isArray(at) ? Number(token) : token;
      at = (at as JsonObject | undefined)?.[step];
      return step;
    });
    return placeOf(path);
  } catch {
    // JSON that is no YAML, or larger than a config may be: the pointer says it too.
    return `${file}: ${pointer || "the root"}`;
  }
}

/** The steps of a JSON pointer. */
export function tokensOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The dialect that `$schema` names, 2020-12 where absent. Throws MeshError `invalid-config`. */
export function draftOf(name: unknown, file: string, pointer: string): Draft {
  const draft = DRAFT_OF.get(name);
  if (draft !== undefined) return draft;
  const told = typeof name === "string" ? quote(name) : "not a string";
  throw new MeshError(
    "invalid-config",
    `${file}: ${pointer}/$schema is ${told}; supported are "https://json-schema.org/draft/2020-12/schema" and "http://json-schema.org/draft-07/schema#"`,
  );
}

/** `urn:a#` and `urn:a` are one URI. */
export function withoutEmptyFragment(uri: string): string {
  return uri.replace(/#\/?$/, "");
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
