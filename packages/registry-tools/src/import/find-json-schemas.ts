import { posix } from "node:path";
import { isObject, type JsonObject, subschemas, withoutEmptyFragment } from "@adaos/json-schema";
import { DRAFT_2020, type FoundContract, type FoundContracts } from "./found-contract.ts";
import type { SourceDocument } from "./source-document.ts";

const SHAPES = ["properties", "allOf", "anyOf", "oneOf", "enum", "const"];
const UNNAMED = /^(schema|index|main)$/i;

/** The schemas of a folder, each an event, except those that others refer to as parts. Pure. */
export function findJsonSchemas(documents: readonly SourceDocument[]): FoundContracts {
  const schemas = documents.filter(({ value }) => isSchema(value));
  const parts = referredTo(schemas);
  const notes = [
    ...documents.filter((one) => !schemas.includes(one)).map(({ file }) => `${file} is no schema`),
    ...schemas
      .filter(({ file }) => parts.has(file))
      .map(({ file }) => `${file} is part of others, and no event by itself`),
    ...schemas
      .filter(({ file, value }) => !parts.has(file) && !judges(value))
      .map(({ file }) => `${file} holds definitions alone`),
  ];
  const contracts = schemas
    .filter(({ file, value }) => !parts.has(file) && judges(value))
    .map(
      (document): FoundContract => ({
        called: calledOf(document),
        at: document.at([]),
        summary: textOf(document.value["description"]) ?? textOf(document.value["title"]),
        schema: { kind: "placed", source: { file: document.file, pointer: "" } },
        examples: Array.isArray(document.value["examples"]) ? document.value["examples"] : [],
        requiredHeaders: [],
      }),
    );
  const byFile = new Map(documents.map(({ file, value }) => [file, value]));
  return { contracts, documents: byFile, defaultSchema: DRAFT_2020, notes };
}

/** An example may have a field called type; only a schema has a type name in it, or these other keywords. */
function isSchema(value: JsonObject): boolean {
  return (
    typeof value["$schema"] === "string" ||
    judges(value) ||
    isObject(value["$defs"]) ||
    isObject(value["definitions"])
  );
}

function judges(value: JsonObject): boolean {
  const { type, $ref } = value;
  const isType =
    typeof type === "string" &&
    ["object", "array", "string", "number", "integer", "boolean", "null"].includes(type);
  return (
    isType ||
    Array.isArray(type) ||
    typeof $ref === "string" ||
    SHAPES.some((key) => typeof value[key] === "object")
  );
}

/** Named by its path, `order/created.v2.schema.json`; by its title where the file is schema.json at the top. */
function calledOf({ file, value }: SourceDocument): string {
  const way = file.replace(/\.\w+$/, "").replace(/\.schema$/i, "");
  if (!UNNAMED.test(posix.basename(way))) return way;
  const folder = posix.dirname(way);
  return folder === "." ? (textOf(value["title"]) ?? way) : folder;
}

function referredTo(schemas: readonly SourceDocument[]): ReadonlySet<string> {
  const files = new Map(
    schemas.map(({ file, value }) => [
      typeof value["$id"] === "string" ? withoutEmptyFragment(value["$id"]) : file,
      file,
    ]),
  );
  const found = new Set<string>();
  for (const { file, value } of schemas) {
    const look = (schema: JsonObject, depth: number): void => {
      const { $ref } = schema;
      const [base = ""] = typeof $ref === "string" ? $ref.split("#") : [];
      const target = base === "" ? undefined : (files.get(base) ?? posix.join(posix.dirname(file), base));
      if (target !== undefined && target !== file) found.add(target);
      if (depth < 100) for (const [, inner] of subschemas(schema)) look(inner, depth + 1);
    };
    look(value, 0);
  }
  return found;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}
