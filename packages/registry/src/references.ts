import { MeshError, messageOf, quote } from "@adaos/core";
import { disarm, isInPlace, patternProblem, subschemas } from "./keywords.ts";
import {
  type Draft,
  draftOf,
  isObject,
  type JsonObject,
  type SchemaDocument,
  withoutEmptyFragment,
} from "./schema-document.ts";
import { SchemaGraph } from "./schema-graph.ts";

/** Resolves a URI reference against a base, as the validator does. */
export type ResolveUri = (base: string, reference: string) => string;

interface Place {
  readonly document: SchemaDocument;
  readonly schema: JsonObject;
  readonly pointer: string;
  readonly base: string;
}

/** What a reference leads to. */
type Target = JsonObject | boolean;

const MAX_SCHEMA_DEPTH = 200;

/**
 * All schemas of a registry by URI. Proves at load that every `$ref` has a target in its own file or under an `$id`
 * of the registry: validators are compiled at first use, and that is too late to learn of a typing error.
 */
export class SchemaReferences {
  readonly #resolve: ResolveUri;
  readonly #resources = new Map<string, Place>();
  readonly #anchors = new Map<string, JsonObject>();
  readonly #seen = new Map<JsonObject, Place>();
  readonly #graph = new SchemaGraph();
  readonly #unchecked: Place[] = [];
  readonly #targets = new Map<JsonObject, Target[]>();

  constructor(resolve: ResolveUri) {
    this.#resolve = resolve;
  }

  /** Throws MeshError `invalid-config` when another schema has its `$id`, or one within it has another draft. */
  add(document: SchemaDocument): void {
    const root = { document, schema: document.schema, pointer: "", base: document.uri };
    this.#addResource(root);
    this.#visit(root, 0);
  }

  /**
   * Throws MeshError `invalid-config` for the first `$ref` without a target, or by which validation would not end. Call it
   * when all are added.
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
    const { document, pointer } = this.#seen.get(problem.schema) as Place;
    throw new MeshError("invalid-config", `${document.file}: ${pointer || "the root"} ${problem.told}`);
  }

  /** What a schema refers to. Known after {@link check}. */
  targetsOf(schema: JsonObject): readonly Target[] {
    return this.#targets.get(schema) ?? [];
  }

  /** The file of a schema within the registry, and the pointer to it. */
  placeOf(schema: JsonObject): { readonly document: SchemaDocument; readonly pointer: string } | undefined {
    return this.#seen.get(schema);
  }

  #addTarget(from: JsonObject, to: Target): void {
    if (isObject(to)) this.#graph.add(from, to, true);
    this.#targets.set(from, [...this.targetsOf(from), to]);
  }

  #addResource(place: Place): void {
    const other = this.#resources.get(place.base);
    if (other !== undefined && other.schema !== place.schema) {
      throw new MeshError(
        "invalid-config",
        `${place.document.file}: $id ${quote(place.base)} is taken by ${other.document.file}; each schema needs its own`,
      );
    }
    this.#resources.set(place.base, place);
  }

  #visit(outer: Place, depth: number): void {
    const { document, schema, pointer } = outer;
    if (this.#seen.has(schema)) return;
    this.#seen.set(schema, outer);
    if (depth > MAX_SCHEMA_DEPTH) {
      throw new MeshError(
        "invalid-config",
        `${document.file}: nests deeper than ${MAX_SCHEMA_DEPTH} schemas`,
      );
    }
    disarm(schema);
    const problem = patternProblem(schema);
    if (problem !== undefined) {
      throw new MeshError(
        "invalid-config",
        `${document.file}: ${pointer || "the root"} has a bad pattern: ${problem}`,
      );
    }
    const place = this.#rebase(outer);
    for (const keyword of ["$anchor", "$dynamicAnchor"]) {
      if (typeof schema[keyword] === "string") this.#anchors.set(`${place.base}#${schema[keyword]}`, schema);
    }
    this.#unchecked.push(place);
    for (const [way, inner] of subschemas(schema)) {
      this.#graph.add(schema, inner, isInPlace(way));
      this.#visit({ document, schema: inner, pointer: pointer + way, base: place.base }, depth + 1);
    }
  }

  /** Takes a schema's own `$id` into account. */
  #rebase(place: Place): Place {
    const { document, schema, pointer } = place;
    const id = schema["$id"];
    if (pointer === "" || typeof id !== "string") return place;
    if (
      schema["$schema"] !== undefined &&
      draftOf(schema["$schema"], document.file, pointer) !== document.draft
    ) {
      throw new MeshError("invalid-config", `${document.file}: ${pointer} has another $schema than the file`);
    }
    const uri = this.#uriOf(place, id);
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
    const uri = this.#uriOf(from, reference);
    const hash = uri.indexOf("#");
    const target = this.#resources.get(hash < 0 ? uri : uri.slice(0, hash));
    const fail = (problem: string): MeshError => {
      const where = `${from.document.file}: ${keyword} ${quote(reference)} at ${from.pointer || "the root"}`;
      return new MeshError("invalid-config", `${where} ${problem}`);
    };
    if (target === undefined) {
      throw fail("has no target; refer to a schema in this file or to the $id of one in this registry");
    }
    assertDraft(target.document.draft, from.document.draft, fail);
    if (hash < 0) {
      this.#addTarget(from.schema, target.schema);
      return;
    }
    const fragment = decodeFragment(uri.slice(hash + 1));
    if (fragment.startsWith("/")) {
      const schema = follow(target.schema, fragment);
      if (schema === undefined) throw fail(`has no target in ${target.document.file}`);
      // It may stand under an unknown keyword, where nothing was taken for a schema so far.
      if (isObject(schema)) this.#visit({ ...target, schema, pointer: fragment }, 0);
      this.#addTarget(from.schema, schema);
      return;
    }
    const anchored = this.#anchors.get(uri);
    if (anchored === undefined) throw fail(`has no anchor in ${target.document.file}`);
    this.#addTarget(from.schema, anchored);
    if (target.schema["$anchor"] === fragment && keyword === "$ref") {
      // The validator does not know an anchor on the outermost schema; the schema itself is the same place.
      from.schema[keyword] = from.base === target.base ? "#" : target.base;
    }
  }

  #uriOf(from: Place, reference: string): string {
    try {
      return withoutEmptyFragment(this.#resolve(from.base, reference));
    } catch (cause) {
      const told = `${from.document.file}: ${quote(reference)} is not a URI reference: ${messageOf(cause)}`;
      throw new MeshError("invalid-config", told, { cause });
    }
  }
}

function assertDraft(target: Draft, from: Draft, fail: (problem: string) => MeshError): void {
  if (target === from) return;
  throw fail(`leads from a ${from} schema into a ${target} one; write both in one draft`);
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** The schema at a JSON pointer, or nothing. */
function follow(root: unknown, pointer: string): JsonObject | boolean | undefined {
  let value = root;
  for (const token of pointer.slice(1).split("/")) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as JsonObject)[key];
  }
  return isObject(value) || typeof value === "boolean" ? value : undefined;
}
