import { escapePointer, quote } from "@adaos/core/wire";
import { allOfBranches, type Branch, lead, type SchemaScope, sameSchema } from "../all-of-branches.ts";
import { LinearPattern } from "../keywords/linear-pattern.ts";
import { isObject, type JsonObject } from "../schema-document.ts";
import { boundsGaps } from "./schema-bounds.ts";
import { factsOf, type JsonType, TYPES, typesOf } from "./schema-facts.ts";

/** A reason why a schema may refuse data of another. */
export interface Gap {
  /** JSON pointer into the data; `*` stands for any key or item. */
  readonly pointer: string;
  readonly told: string;
}

const MAX_GAPS = 100;
const MAX_DEPTH = 60;
/** Limit of nested or adjacent `anyOf`; beyond it a gap is reported. */
const MAX_SPLITS = 6;
const MAX_WORK = 50_000;

/** Compared only for equality. Keywords that depend on each other must be in one schema. */
const OPAQUE: readonly (readonly string[])[] = [
  ["not"],
  ["if", "then", "else"],
  ["contains", "minContains", "maxContains"],
  ["dependentRequired"],
  ["dependentSchemas"],
  ["dependencies"],
  ["propertyNames"],
  ["additionalItems", "items"],
  ["$dynamicRef"],
];
/** Their verdict depends on all keywords beside them: they are equal only as parts of equal schemas. */
const WHOLE = ["unevaluatedItems", "unevaluatedProperties"];

/**
 * The data of a writer's schema that a reader's schema may refuse. A writer sends only fields that its schema
 * declares; a reader ignores others (`additionalProperties: false` binds writers only). Pure. The result is on the
 * safe side: without a gap all such data can be read, while a gap may be a false alarm (a changed `pattern`, a
 * changed `not`).
 */
export function readingGaps(writer: SchemaScope, reader: SchemaScope): Gap[] {
  const comparison = new Comparison();
  comparison.compare([lead(writer)], lead(reader), "", 0);
  return comparison.gaps;
}

class Comparison {
  readonly gaps: Gap[] = [];
  readonly #told = new Set<string>();
  /** Schemas compared or being compared: a schema that leads back to itself holds while nothing speaks against it. */
  readonly #seen = new Set<string>();
  readonly #ids = new Map<unknown, number>();
  #work = 0;

  compare(writer: readonly Branch[], reader: Branch, pointer: string, depth: number): void {
    if (this.gaps.length >= MAX_GAPS) return;
    const pair = [...writer, reader].map(({ schema }) => this.#idOf(schema)).join();
    if (this.#seen.has(pair)) return;
    this.#seen.add(pair);
    if (depth > MAX_DEPTH || ++this.#work > MAX_WORK)
      return this.#add(pointer, "is too deep or too large to be compared");
    const all = writer.flatMap(allOfBranches);
    for (const part of allOfBranches(reader)) this.#fit(all, part, pointer, depth, 0);
  }

  /** Compares one reader schema without `$ref` and `allOf` with all schemas that apply to the writer's data. */
  #fit(writer: readonly Branch[], reader: Branch, pointer: string, depth: number, splits: number): void {
    if (reader.schema === true || writer.some(({ schema }) => schema === false)) return;
    if (reader.schema === false) return this.#add(pointer, "must be absent now");
    if (writer.some((part) => sameSchema(part, reader))) return;
    const branching = writer.find(({ schema }) => branchesOf(schema) !== undefined);
    if (branching === undefined || !isObject(branching.schema))
      return this.#keywords(writer, reader, reader.schema, pointer, depth);
    if (splits >= MAX_SPLITS || ++this.#work > MAX_WORK)
      return this.#add(pointer, "has too many alternatives to be compared");
    // Each alternative alone: one may declare properties that the others do not.
    const { anyOf, oneOf, ...rest } = branching.schema;
    const kept = Array.isArray(anyOf) && oneOf !== undefined ? { ...rest, oneOf } : rest;
    const others = [...writer.filter((part) => part !== branching), { ...branching, schema: kept }];
    for (const branch of branchesOf(branching.schema) ?? [])
      this.#fit(
        [...others, ...allOfBranches({ scope: branching.scope, schema: branch })],
        reader,
        pointer,
        depth,
        splits + 1,
      );
  }

  #keywords(
    writer: readonly Branch[],
    reader: Branch,
    schema: JsonObject,
    pointer: string,
    depth: number,
  ): void {
    const facts = factsOf(writer);
    const accepted = typesOf(schema);
    const refused = [...facts.types].filter((type) => !accepted.has(type));
    if (refused.length > 0)
      return this.#add(pointer, `may be ${refused.join(" or ")}, read is ${told(accepted)}`);
    for (const gap of boundsGaps(facts, schema)) this.#add(pointer, gap);
    for (const branches of [schema["anyOf"], schema["oneOf"]])
      if (Array.isArray(branches)) this.#branches(writer, reader, branches, pointer, depth);
    if (facts.types.has("object")) this.#object(writer, reader, schema, pointer, depth);
    if (facts.types.has("array")) this.#array(writer, reader, schema, pointer, depth);
    this.#opaque(writer, reader, schema, pointer);
  }

  #opaque(writer: readonly Branch[], reader: Branch, schema: JsonObject, pointer: string): void {
    for (const group of OPAQUE) {
      const [lead = ""] = group;
      if (!Object.hasOwn(schema, lead)) continue;
      const wanted = { ...reader, schema: only(schema, group) };
      const isSame = writer.some(
        (part) => isObject(part.schema) && sameSchema({ ...part, schema: only(part.schema, group) }, wanted),
      );
      if (!isSame) this.#add(pointer, `${lead} has changed, which cannot be judged`);
    }
    for (const keyword of WHOLE) {
      // `false` binds writers; readers ignore it.
      if (isObject(schema[keyword]) || (keyword === "unevaluatedItems" && schema[keyword] === false))
        this.#add(pointer, `${keyword} cannot be judged beside what has changed`);
    }
  }

  #branches(
    writer: readonly Branch[],
    reader: Branch,
    branches: readonly (JsonObject | boolean)[],
    pointer: string,
    depth: number,
  ): void {
    const fits = branches.some((branch) =>
      this.#holds(() => {
        for (const part of allOfBranches({ scope: reader.scope, schema: branch }))
          this.#fit(writer, part, pointer, depth + 1, 0);
      }),
    );
    if (!fits) this.#add(pointer, "may fit none of the alternatives that are read");
  }

  #object(
    writer: readonly Branch[],
    reader: Branch,
    schema: JsonObject,
    pointer: string,
    depth: number,
  ): void {
    const required = new Set(writer.flatMap(({ schema: part }) => list(part, "required")));
    for (const name of list(schema, "required")) {
      if (!required.has(name))
        this.#add(`${pointer}/${escapePointer(name)}`, "is required, and may be absent");
    }
    const names = new Set([
      ...keysOf(schema, "properties"),
      ...writer.flatMap(({ schema: part }) => keysOf(part, "properties")),
    ]);
    for (const name of names) {
      const sent = writer.flatMap((part) => propertySchemas(part, name, "writer"));
      if (sent.length === 0) {
        if (!writer.some(({ schema: part }) => mayDeclare(part, name))) continue;
        // Declared under a condition, which is not followed: it may be anything.
        sent.push({ scope: reader.scope, schema: true });
      }
      for (const read of propertySchemas(reader, name, "reader"))
        this.compare(sent, read, `${pointer}/${escapePointer(name)}`, depth + 1);
    }
    // Properties without a literal name: by pattern, or any.
    const read = anyNameSchemas(reader);
    if (read.length === 0) return;
    for (const { schema: part, scope } of writer) {
      for (const [pattern, sent] of Object.entries(mapOf(part, "patternProperties"))) {
        for (const one of read) {
          if (one.pattern !== undefined && one.pattern !== pattern)
            this.#add(`${pointer}/*`, `pattern ${quote(one.pattern)} may match what ${quote(pattern)} sends`);
          else this.compare([{ scope, schema: sent }], one, `${pointer}/*`, depth + 1);
        }
      }
      const rest = isObject(part) ? part["additionalProperties"] : undefined;
      if (isObject(rest))
        for (const one of read) this.compare([{ scope, schema: rest }], one, `${pointer}/*`, depth + 1);
    }
  }

  #array(
    writer: readonly Branch[],
    reader: Branch,
    schema: JsonObject,
    pointer: string,
    depth: number,
  ): void {
    const read = tupleOf(schema);
    const sent = writer.map(({ schema: part, scope }) => ({ scope, ...tupleOf(part) }));
    const length = Math.max(read.first.length, ...sent.map(({ first }) => first.length));
    const longest = Math.min(
      ...writer.map(({ schema: part }) => numberOf(part, "maxItems") ?? Number.POSITIVE_INFINITY),
    );
    for (let i = 0; i <= length; i++) {
      const one = read.first[i] ?? read.rest;
      if (one === undefined || one === true || i >= longest) continue;
      const items = sent.map(({ scope, first, rest }) => ({ scope, schema: first[i] ?? rest ?? true }));
      this.compare(
        items,
        { scope: reader.scope, schema: one },
        `${pointer}/${i < length ? i : "*"}`,
        depth + 1,
      );
    }
  }

  /** Whether `run` adds no gap. Its gaps and compared pairs are discarded. */
  #holds(run: () => void): boolean {
    const before = this.gaps.length;
    const seen = new Set(this.#seen);
    run();
    if (this.gaps.length === before) return true;
    for (const gap of this.gaps.splice(before)) this.#told.delete(key(gap));
    for (const pair of this.#seen) if (!seen.has(pair)) this.#seen.delete(pair);
    return false;
  }

  #idOf(schema: unknown): number {
    const id = this.#ids.get(schema) ?? this.#ids.size;
    this.#ids.set(schema, id);
    return id;
  }

  #add(pointer: string, reason: string): void {
    const gap = { pointer, told: reason };
    if (this.gaps.length >= MAX_GAPS || this.#told.has(key(gap))) return;
    this.#told.add(key(gap));
    this.gaps.push(gap);
  }
}

/** A schema with these keywords only. */
function only(schema: JsonObject, keywords: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => keywords.includes(keyword)));
}

function key({ pointer, told: reason }: Gap): string {
  return `${pointer}\n${reason}`;
}

function told(types: ReadonlySet<JsonType>): string {
  return types.size === 0 ? "nothing" : TYPES.filter((type) => types.has(type)).join(" or ");
}

function branchesOf(schema: JsonObject | boolean): readonly (JsonObject | boolean)[] | undefined {
  if (!isObject(schema)) return undefined;
  const branches = schema["anyOf"] ?? schema["oneOf"];
  return Array.isArray(branches) ? branches : undefined;
}

function list(schema: JsonObject | boolean, keyword: string): readonly string[] {
  const value = isObject(schema) ? schema[keyword] : undefined;
  return Array.isArray(value) ? value : [];
}

function mapOf(
  schema: JsonObject | boolean,
  keyword: string,
): Readonly<Record<string, JsonObject | boolean>> {
  const value = isObject(schema) && Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
  return isObject(value) ? (value as Record<string, JsonObject | boolean>) : {};
}

function keysOf(schema: JsonObject | boolean, keyword: string): string[] {
  return Object.keys(mapOf(schema, keyword));
}

function numberOf(schema: JsonObject | boolean, keyword: string): number | undefined {
  const value = isObject(schema) ? schema[keyword] : undefined;
  return typeof value === "number" ? value : undefined;
}

/** Whether a property may be declared under a condition, at any depth. */
function mayDeclare(schema: JsonObject | boolean, name: string): boolean {
  if (!isObject(schema)) return false;
  const conditional = [
    schema["if"],
    schema["then"],
    schema["else"],
    ...Object.values(mapOf(schema, "dependentSchemas")),
    ...Object.values(mapOf(schema, "dependencies")),
  ].filter(isObject);
  return conditional.some(
    (inner) =>
      // A reference or an alternative may lead anywhere.
      ["$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "patternProperties"].some((keyword) =>
        Object.hasOwn(inner, keyword),
      ) ||
      Object.hasOwn(mapOf(inner, "properties"), name) ||
      isObject(inner["additionalProperties"]) ||
      mayDeclare(inner, name),
  );
}

/** The schemas for one property. An empty list means: a writer does not send it, a reader ignores it. */
function propertySchemas({ schema, scope }: Branch, name: string, side: "writer" | "reader"): Branch[] {
  const found: Branch[] = [];
  const properties = mapOf(schema, "properties");
  if (Object.hasOwn(properties, name)) found.push({ scope, schema: properties[name] as JsonObject });
  for (const [pattern, one] of Object.entries(mapOf(schema, "patternProperties"))) {
    if (new LinearPattern(pattern).test(name)) found.push({ scope, schema: one });
  }
  if (found.length > 0 || !isObject(schema)) return found;
  const rest = schema["additionalProperties"] ?? schema["unevaluatedProperties"];
  if (isObject(rest) && !(side === "reader" && schema["additionalProperties"] === undefined))
    found.push({ scope, schema: rest });
  return found;
}

/** A reader's schemas for properties without a literal name. */
function anyNameSchemas({ schema, scope }: Branch): (Branch & { readonly pattern?: string })[] {
  const found: (Branch & { readonly pattern?: string })[] = Object.entries(
    mapOf(schema, "patternProperties"),
  ).map(([pattern, one]) => ({ scope, schema: one, pattern }));
  const rest = isObject(schema) ? schema["additionalProperties"] : undefined;
  if (isObject(rest)) found.push({ scope, schema: rest });
  return found;
}

interface Tuple {
  readonly first: readonly (JsonObject | boolean)[];
  readonly rest: JsonObject | boolean | undefined;
}

/** Items by index, in either draft. */
function tupleOf(schema: JsonObject | boolean): Tuple {
  if (!isObject(schema)) return { first: [], rest: undefined };
  const items = schema["items"] as JsonObject | boolean | (JsonObject | boolean)[] | undefined;
  if (Array.isArray(items))
    return { first: items, rest: schema["additionalItems"] as JsonObject | boolean | undefined };
  const first = schema["prefixItems"];
  return { first: Array.isArray(first) ? first : [], rest: items };
}
