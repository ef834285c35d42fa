import { escapePointer, messageOf, nearest, quote } from "@adaos/core/wire";
import { classProblem } from "./keywords/classification.ts";
import { disarm, isInPlace, patternProblem, subschemas } from "./keywords/keywords.ts";
import {
  draftOf,
  isObject,
  type JsonObject,
  type SchemaDocument,
  tokensOf,
  withoutEmptyFragment,
} from "./schema-document.ts";
import type { ReportFault, SchemaRule } from "./schema-fault.ts";
import { SchemaGraph } from "./schema-graph.ts";

/** Resolves a URI reference against a base, as the validator does. */
export type ResolveUri = (base: string, reference: string) => string;

interface Place {
  readonly document: SchemaDocument;
  readonly schema: JsonObject;
  readonly pointer: string;
  readonly base: string;
}

/** The target of a reference. */
type Target = JsonObject | boolean;

const MAX_SCHEMA_DEPTH = 200;

/**
 * All schemas of a registry by URI. It proves at load that every `$ref` has a target in its own file or under an
 * `$id` of the registry. Validators are compiled at first use, which is too late to find a typing error.
 */
export class SchemaReferences {
  readonly #resolve: ResolveUri;
  readonly #resources = new Map<string, Place>();
  readonly #anchors = new Map<string, JsonObject>();
  readonly #seen = new Map<JsonObject, Place>();
  readonly #graph = new SchemaGraph();
  readonly #unchecked: Place[] = [];
  readonly #targets = new Map<JsonObject, Target[]>();
  /** By the name of their `$dynamicAnchor`. */
  readonly #dynamic = new Map<string, JsonObject[]>();

  readonly #report: ReportFault;

  constructor(resolve: ResolveUri, report: ReportFault) {
    this.#resolve = resolve;
    this.#report = report;
  }

  /** Reports another schema with the same `$id`, and subschemas of another draft or with a bad pattern. */
  add(document: SchemaDocument): void {
    const root = { document, schema: document.schema, pointer: "", base: document.uri };
    this.#addResource(root);
    this.#visit(root, 0);
  }

  /**
   * Reports every `$ref` without a target, and the first schema from which validation would not end. Call it when
   * all are added.
   */
  check(): void {
    for (let place = this.#unchecked.pop(); place !== undefined; place = this.#unchecked.pop()) {
      for (const keyword of ["$ref", "$dynamicRef"]) {
        const reference = place.schema[keyword];
        if (typeof reference === "string") this.#checkReference(place, keyword, reference);
      }
    }
    const problem = this.#graph.problem();
    if (problem === undefined) return;
    const place = this.#seen.get(problem.schema) as Place;
    this.#tell("schema-reference", place, `${place.pointer || "the root"} ${problem.told}`);
  }

  /** The targets of a schema's `$ref`s. Known after {@link check}. */
  referredTo(schema: JsonObject): readonly Target[] {
    return this.#targets.get(schema) ?? [];
  }

  /**
   * The schemas that a schema refers to; for a `$dynamicRef` all its possible targets. Known after {@link check}.
   */
  targetsOf(schema: JsonObject): readonly JsonObject[] {
    const dynamic = schema["$dynamicRef"];
    const anchor = typeof dynamic === "string" ? dynamic.slice(dynamic.indexOf("#") + 1) : "";
    return [...this.referredTo(schema).filter(isObject), ...(this.#dynamic.get(anchor) ?? [])];
  }

  /** The file of a schema within the registry, and the pointer to it. */
  find(schema: JsonObject): { readonly document: SchemaDocument; readonly pointer: string } | undefined {
    return this.#seen.get(schema);
  }

  /** `<file>:<line>:<column>` of a keyword of a schema. */
  placeOf(schema: JsonObject, keyword: string): string {
    const { document, pointer } = this.#seen.get(schema) as Place;
    return document.placeOf(`${pointer}/${escapePointer(keyword)}`);
  }

  #addReference(from: JsonObject, to: Target): void {
    if (isObject(to)) this.#graph.add(from, to, true);
    this.#targets.set(from, [...this.referredTo(from), to]);
  }

  #addResource(place: Place): void {
    const other = this.#resources.get(place.base);
    if (other !== undefined && other.schema !== place.schema) {
      this.#tell(
        "schema-id",
        place,
        `$id ${quote(place.base)} is taken by ${other.document.file}; each schema needs its own`,
        "/$id",
      );
      return;
    }
    this.#resources.set(place.base, place);
  }

  #visit(outer: Place, depth: number): void {
    const { document, schema, pointer } = outer;
    if (this.#seen.has(schema)) return;
    this.#seen.set(schema, outer);
    if (depth > MAX_SCHEMA_DEPTH) {
      this.#tell("schema-depth", outer, `nests deeper than ${MAX_SCHEMA_DEPTH} schemas`);
      return;
    }
    disarm(schema);
    const problem = patternProblem(schema);
    if (problem !== undefined) {
      const way = Object.hasOwn(schema, "pattern") ? "/pattern" : "/patternProperties";
      this.#tell("pattern-unsafe", outer, `${pointer || "the root"} has a bad pattern: ${problem}`, way);
    }
    const wrong = classProblem(schema);
    if (wrong !== undefined) {
      const way = `/${escapePointer(wrong.keyword)}`;
      this.#report({
        rule: "schema-classification",
        file: document.file,
        pointer: pointer + way,
        place: document.placeOf(pointer + way),
        problem: `${pointer}${way} ${wrong.told}`,
      });
    }
    const place = this.#rebase(outer);
    if (typeof schema["$dynamicAnchor"] === "string") {
      const name = schema["$dynamicAnchor"];
      this.#dynamic.set(name, [...(this.#dynamic.get(name) ?? []), schema]);
    }
    for (const keyword of ["$anchor", "$dynamicAnchor"]) {
      if (typeof schema[keyword] === "string") this.#anchors.set(`${place.base}#${schema[keyword]}`, schema);
    }
    this.#unchecked.push(place);
    for (const [way, inner] of subschemas(schema)) {
      this.#graph.add(schema, inner, isInPlace(way));
      this.#visit({ document, schema: inner, pointer: pointer + way, base: place.base }, depth + 1);
    }
  }

  /** Applies a schema's own `$id`. */
  #rebase(place: Place): Place {
    const { document, schema, pointer } = place;
    const id = schema["$id"];
    if (pointer === "" || typeof id !== "string") return place;
    if (schema["$schema"] !== undefined) {
      const draft = draftOf(schema["$schema"], document.file, pointer, this.#report);
      if (draft !== undefined && draft !== document.draft)
        this.#tell("schema-draft", place, `${pointer} has another $schema than the file`, "/$schema");
    }
    const uri = this.#uriOf(place, id, "$id");
    if (uri === undefined) return place;
    // Draft-07 writes an anchor as an $id that is a fragment.
    if (uri.includes("#")) {
      this.#anchors.set(uri, schema);
      return place;
    }
    const resource = { ...place, base: uri };
    this.#addResource(resource);
    return resource;
  }

  #checkReference(from: Place, keyword: string, reference: string): void {
    const uri = this.#uriOf(from, reference, keyword);
    if (uri === undefined) return;
    const fail = (problem: string, suggestion?: string): void => {
      const told = `${keyword} ${quote(reference)} at ${from.pointer || "the root"} ${problem}`;
      this.#tell("schema-reference", from, told, `/${keyword}`, suggestion);
    };
    const hash = uri.indexOf("#");
    const base = hash < 0 ? uri : uri.slice(0, hash);
    const target = this.#resources.get(base);
    if (target === undefined) {
      const near = nearest(base, [...this.#resources.keys()]);
      fail("has no target; refer to a schema in this file or to the $id of one in this registry", near);
      return;
    }
    const { draft } = from.document;
    if (target.document.draft !== draft) {
      fail(`leads from a ${draft} schema into a ${target.document.draft} one; write both in one draft`);
      return;
    }
    if (hash < 0) {
      this.#addReference(from.schema, target.schema);
      return;
    }
    const fragment = decodeFragment(uri.slice(hash + 1));
    if (fragment.startsWith("/")) {
      const schema = follow(target.schema, fragment);
      if (schema === undefined)
        fail(`has no target in ${target.document.file}`, near(target.schema, fragment));
      // It may be under an unknown keyword, which was not searched for schemas.
      if (schema === undefined) return;
      if (isObject(schema)) this.#visit({ ...target, schema, pointer: fragment }, 0);
      this.#addReference(from.schema, schema);
      return;
    }
    const anchored = this.#anchors.get(uri);
    if (anchored === undefined) {
      fail(`has no anchor in ${target.document.file}`);
      return;
    }
    this.#addReference(from.schema, anchored);
    if (target.schema["$anchor"] === fragment && keyword === "$ref") {
      // The validator does not know an anchor on the root schema; the root is the same place.
      from.schema[keyword] = from.base === target.base ? "#" : target.base;
    }
  }

  #uriOf(from: Place, reference: string, keyword: string): string | undefined {
    try {
      return withoutEmptyFragment(this.#resolve(from.base, reference));
    } catch (cause) {
      const told = `${quote(reference)} is not a URI reference: ${messageOf(cause)}`;
      this.#tell("schema-reference", from, told, `/${keyword}`);
      return undefined;
    }
  }

  #tell(rule: SchemaRule, at: Place, problem: string, way = "", suggestion?: string): void {
    this.#report({ rule, file: at.document.file, pointer: at.pointer + way, problem, suggestion });
  }
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** The existing name that the last step of a pointer probably means. */
function near(root: unknown, pointer: string): string | undefined {
  const end = pointer.lastIndexOf("/");
  const around = end === 0 ? root : follow(root, pointer.slice(0, end));
  if (!isObject(around)) return undefined;
  const meant = nearest(pointer.slice(end + 1), Object.keys(around));
  return meant === undefined ? undefined : `#${pointer.slice(0, end)}/${meant}`;
}

/** The schema at a JSON pointer, or undefined. */
function follow(root: unknown, pointer: string): JsonObject | boolean | undefined {
  let value = root;
  for (const key of tokensOf(pointer)) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as JsonObject)[key];
  }
  return isObject(value) || typeof value === "boolean" ? value : undefined;
}
