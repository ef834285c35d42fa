import { createHash } from "node:crypto";
import { formatEventRef, MeshError } from "@adaos/core";
import { escapeUnseen } from "@adaos/core/wire";
import { CLASSIFICATION, type JsonObject, subschemas, withoutEmptyFragment } from "@adaos/json-schema";
import type { FileRegistry } from "@adaos/registry";
import { compareRecords } from "@adaos/registry";

type Compile = typeof import("json-schema-to-typescript").compile;

const BANNER =
  "// Generated from registry.yaml and its schemas by adaos events registry generate. Do not edit.";

/**
 * TypeScript declarations for `_dist/events.d.ts`: a type for the data of each event, added to core's `EventMap` so
 * that the compiler checks publish and subscribe. Same registry, same text. Needs the development dependency
 * json-schema-to-typescript. Throws MeshError `usage` without it.
 */
export async function generateTypes(registry: FileRegistry): Promise<string> {
  const compile = await importCompiler();
  const schemas = schemasById(registry);
  const taken = new Set<string>();
  const declarations: string[] = [];
  const entries: string[] = [];
  for (const { name, version } of registry.records.toSorted(compareRecords)) {
    const typeName = freeName(typeNameOf(name, version), taken);
    const schema = registry.schemaOf(name, version);
    declarations.push(await compileType(compile, schema, typeName, schemas));
    entries.push(`    ${JSON.stringify(formatEventRef(name, version))}: ${typeName};`);
  }
  const map = `declare module "@adaos/core" {\n  interface EventMap {\n${entries.join("\n")}\n  }\n}\n`;
  const head = `${BANNER}\n${sourceMark(registry)}\nimport "@adaos/core";\n`;
  // Descriptions, names and values come from the authors of schemas.
  return escapeUnseen([head, ...declarations, map].join("\n"));
}

/** A comment in the types that names their registry, so that they can be checked without generating them. */
export function sourceMark(registry: FileRegistry): string {
  const hash = createHash("sha256");
  for (const { name, version } of registry.records.toSorted(compareRecords)) {
    hash.update(JSON.stringify([formatEventRef(name, version), registry.schemaOf(name, version)]));
  }
  return `// Of sha256:${hash.digest("hex")}`;
}

async function importCompiler(): Promise<Compile> {
  try {
    return (await import("json-schema-to-typescript")).compile;
  } catch (cause) {
    throw new MeshError(
      "usage",
      "generating types needs json-schema-to-typescript; run npm install --save-dev json-schema-to-typescript",
      {
        cause,
      },
    );
  }
}

async function compileType(
  compile: Compile,
  schema: Readonly<JsonObject>,
  typeName: string,
  schemas: ReadonlyMap<string, Readonly<JsonObject>>,
): Promise<string> {
  // Title and $id would name the type. The compiler also modifies its input.
  const { title: _title, $id: _id, ...root } = copyToCompile(schema);
  return compile(root, typeName, {
    bannerComment: "",
    unknownAny: true,
    style: { printWidth: 110 },
    // Inner types begin with their event's name, since all types of a registry share one file.
    customName: (inner, key) => {
      const own = inner.title ?? inner.$id ?? key;
      return own === undefined || own === typeName ? own : `${typeName} ${own}`;
    },
    $refOptions: {
      resolve: {
        http: false,
        file: false,
        registry: {
          order: 1,
          canRead: true,
          read: ({ url }: { url: string }) => {
            const found = schemas.get(withoutEmptyFragment(url));
            return found === undefined ? undefined : copyToCompile(found);
          },
        },
      },
    },
  });
}

/** Keywords of the compiler, by which a schema would write TypeScript instead of describing data. */
const DIALECT = ["tsType", "tsEnumNames"];

/** A copy without the compiler's keywords. Its descriptions, which become comments, name classified data. */
function copyToCompile(schema: Readonly<JsonObject>): JsonObject {
  const copy = withoutDialect(schema);
  const open = [copy];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const found = one[CLASSIFICATION];
    if (typeof found === "string") {
      const description = typeof one["description"] === "string" ? [one["description"]] : [];
      one["description"] = [...description, `Classified: ${found}.`].join("\n\n");
    }
    open.push(...subschemas(one).map(([, inner]) => inner));
  }
  return copy;
}

/** A property with such a name is a schema, not a text or a list, and stays. */
function withoutDialect(schema: Readonly<JsonObject>): JsonObject {
  const text = JSON.stringify(schema, (key, value: unknown) => {
    const isKeyword = DIALECT.includes(key) && (typeof value === "string" || Array.isArray(value));
    return isKeyword ? undefined : value;
  });
  return JSON.parse(text) as JsonObject;
}

function schemasById(registry: FileRegistry): ReadonlyMap<string, Readonly<JsonObject>> {
  const schemas = new Map<string, Readonly<JsonObject>>();
  for (const { name, version } of registry.records) {
    const schema = registry.schemaOf(name, version);
    if (typeof schema["$id"] === "string") schemas.set(withoutEmptyFragment(schema["$id"]), schema);
  }
  return schemas;
}

/** `nlp.intent.detected`, 1: `NlpIntentDetectedV1`. */
function typeNameOf(name: string, version: number): string {
  const words = name.split(/[._-]/).filter((word) => word !== "");
  return `${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}V${version}`;
}

/** `a.b-c` and `a.b.c` give the same name: the second gets a number. */
function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}N${i}`;
  taken.add(name);
  return name;
}
