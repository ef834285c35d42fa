import { posix } from "node:path";
import { MeshError } from "@adaos/core";
import { quote } from "@adaos/core/wire";
import { isObject, type JsonObject, subschemas, withoutEmptyFragment } from "@adaos/json-schema";
import type { SchemaSource } from "./found-contract.ts";

const MAX_DEPTH = 100;
const MAX_DEFINITIONS = 1000;
/** References to schemas of this registry stay. */
const OWN = "urn:adaos:schema:";

/**
 * Makes a schema self-contained: everything it refers to, in its document or in others of the source, is copied
 * into its definitions. Nothing is fetched. Pure.
 * @param documents By file; files are paths below one folder.
 * @throws MeshError `invalid-config` for a reference that leads elsewhere, or to nothing.
 */
export function bundleSchema(
  source: SchemaSource,
  documents: ReadonlyMap<string, JsonObject>,
  isDraft07: boolean,
): JsonObject {
  return new Bundle(source, documents, isDraft07 ? "definitions" : "$defs").make();
}

class Bundle {
  readonly #root: SchemaSource;
  readonly #documents: ReadonlyMap<string, JsonObject>;
  readonly #keyword: string;
  /** Name of each copied schema, by file and pointer. */
  readonly #names = new Map<string, string>();
  readonly #definitions: JsonObject = {};
  readonly #waiting: [name: string, SchemaSource][] = [];

  constructor(root: SchemaSource, documents: ReadonlyMap<string, JsonObject>, keyword: string) {
    this.#root = root;
    this.#documents = documents;
    this.#keyword = keyword;
  }

  make(): JsonObject {
    const made = this.#copy(this.#root);
    const own = made[this.#keyword];
    for (const name of isObject(own) ? Object.keys(own) : [])
      this.#definitions[name] = own?.[name as keyof typeof own];
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const [name, source] = next;
      this.#definitions[name] = this.#copy(source);
    }
    return Object.keys(this.#definitions).length === 0
      ? made
      : { ...made, [this.#keyword]: this.#definitions };
  }

  #copy(source: SchemaSource): JsonObject {
    const found = follow(this.#documents.get(source.file), source.pointer);
    if (found === true) return {};
    if (found === false) return { not: {} };
    if (!isObject(found)) this.#fail(source, "is no schema");
    const copy = structuredClone(found);
    delete copy["$id"];
    delete copy["id"];
    this.#rewrite(copy, source, 0);
    return copy;
  }

  #rewrite(schema: JsonObject, at: SchemaSource, depth: number): void {
    if (depth > MAX_DEPTH) this.#fail(at, `nests deeper than ${MAX_DEPTH}`);
    if (depth > 0 && schema["$id"] !== undefined)
      this.#fail(at, "has an $id within; remove it, or make it a file of its own");
    for (const keyword of ["$dynamicRef", "$recursiveRef"])
      if (schema[keyword] !== undefined)
        this.#fail(at, `has a ${keyword}, which cannot be bundled; write $ref`);
    const { $ref } = schema;
    if (typeof $ref === "string") schema["$ref"] = this.#refer($ref, at);
    for (const [way, inner] of subschemas(schema))
      this.#rewrite(inner, { file: at.file, pointer: at.pointer + way }, depth + 1);
  }

  /** The bundle's form of a reference. */
  #refer(ref: string, from: SchemaSource): string {
    if (ref.startsWith(OWN)) return ref;
    const target = this.#targetOf(ref, from);
    if (target.file === this.#root.file) {
      if (target.pointer === this.#root.pointer) return "#";
      // The root's definitions are there already.
      if (this.#root.pointer === "") return `#${encodePointer(target.pointer)}`;
    }
    if (follow(this.#documents.get(target.file), target.pointer) === undefined)
      this.#fail(from, `refers to nothing: ${quote(ref)}`);
    const key = `${target.file}#${target.pointer}`;
    let name = this.#names.get(key);
    if (name === undefined) {
      if (this.#names.size >= MAX_DEFINITIONS)
        this.#fail(from, `refers to more than ${MAX_DEFINITIONS} schemas`);
      name = this.#freeName(target);
      this.#names.set(key, name);
      this.#waiting.push([name, target]);
    }
    return `#/${this.#keyword}/${name}`;
  }

  #targetOf(ref: string, from: SchemaSource): SchemaSource {
    const hash = ref.indexOf("#");
    const base = hash < 0 ? ref : ref.slice(0, hash);
    const fragment = hash < 0 ? "" : decode(ref.slice(hash + 1));
    if (fragment !== "" && !fragment.startsWith("/"))
      this.#fail(from, `refers to the anchor ${quote(ref)}; write a JSON pointer`);
    if (base === "") return { file: from.file, pointer: fragment };
    const known = [...this.#documents].find(
      ([, { $id }]) => typeof $id === "string" && withoutEmptyFragment($id) === base,
    );
    if (known !== undefined) return { file: known[0], pointer: fragment };
    if (/^[a-z][a-z0-9+.-]*:/i.test(base) || base.startsWith("/"))
      this.#fail(from, `refers to ${quote(ref)}; nothing is fetched, put the schema beside it`);
    const file = posix.normalize(posix.join(posix.dirname(from.file), decode(base)));
    if (!this.#documents.has(file))
      this.#fail(from, `refers to ${quote(ref)}, which is not among the files of the import`);
    return { file, pointer: fragment };
  }

  #freeName({ file, pointer }: SchemaSource): string {
    const last =
      pointer === ""
        ? posix.basename(file).replace(/(\.schema)?\.\w+$/, "")
        : (pointer.split("/").at(-1) ?? "");
    const wanted = last.replaceAll(/[^A-Za-z0-9_-]/g, "_") || "schema";
    const root = follow(this.#documents.get(this.#root.file), `${this.#root.pointer}/${this.#keyword}`);
    const taken = new Set([...this.#names.values(), ...(isObject(root) ? Object.keys(root) : [])]);
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
    return name;
  }

  #fail({ file, pointer }: SchemaSource, problem: string): never {
    throw new MeshError("invalid-config", `${file}${pointer === "" ? "" : `#${pointer}`} ${problem}`);
  }
}

function follow(root: unknown, pointer: string): unknown {
  let value = root;
  for (const token of pointer.split("/").slice(1)) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as JsonObject)[key];
  }
  return value;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function encodePointer(pointer: string): string {
  return pointer.replaceAll(/[^/]+/g, (token) => encodeURIComponent(token));
}
