import type { JsonObject, SchemaDocument, SchemaReferences } from "@adaos/json-schema";
import { checkReferences } from "@adaos/json-schema";
import type { FileRegistry } from "@adaos/registry";
import { compareRecords, type EventRecord } from "@adaos/registry";
import { type SchemaLinks, standAlone } from "./schema-2020.ts";
import { type SchemaField, schemaFields } from "./schema-fields.ts";

/** Schemas by their key. */
export type SchemaMap = Record<string, JsonObject | boolean>;

/** `ui.notify.v1`: the name of an event's schema in documents, and of its page. */
export function eventKey({ name, version }: Pick<EventRecord, "name" | "version">): string {
  return `${name}.v${version}`;
}

/** Longest part of a key that comes from a name in a schema. */
const MAX_TOKEN_LENGTH = 60;

/** The schemas of a registry, for documents. */
export class RegistrySchemas {
  readonly #registry: FileRegistry;
  readonly #references: SchemaReferences;
  /** The first event of each file, whose key the file gets. */
  readonly #keys = new Map<SchemaDocument, string>();

  constructor(registry: FileRegistry) {
    this.#registry = registry;
    for (const record of registry.records.toSorted(compareRecords)) {
      const document = registry.documentOf(record.name, record.version);
      if (!this.#keys.has(document)) this.#keys.set(document, eventKey(record));
    }
    this.#references = checkReferences(this.#keys.keys());
  }

  /** The fields of an event's data; nested fields follow their parents. */
  fieldsOf({ name, version }: EventRecord): SchemaField[] {
    return schemaFields(this.#registry.schemaOf(name, version), (schema) =>
      this.#references.referredTo(schema),
    );
  }

  /**
   * The schemas of some events and of everything they refer to, in draft 2020-12, for one document. They have no
   * `$id`, and each reference leads to another key. A `$dynamicRef` leads where a `$ref` would.
   * @param refTo The reference to the schema of a key, for example `#/components/schemas/<key>`.
   */
  bundle(records: readonly EventRecord[], refTo: (key: string) => string): SchemaMap {
    const bundle: SchemaMap = {};
    const waiting: (readonly [string, JsonObject])[] = [];
    const keyOf = this.#namer((key, schema) => waiting.push([key, schema]));
    const links: SchemaLinks = {
      draftOf: (schema) => this.#references.find(schema)?.document.draft ?? "2020-12",
      targetsOf: (schema) =>
        this.#references.referredTo(schema).map((target) => {
          return typeof target === "boolean" ? target : { $ref: refTo(keyOf(target)) };
        }),
    };
    for (const record of records) {
      const key = keyOf(this.#registry.documentOf(record.name, record.version).schema);
      if (key !== eventKey(record)) bundle[eventKey(record)] = { $ref: refTo(key) };
    }
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [key, schema] = next;
      bundle[key] = standAlone(schema, links);
    }
    return Object.fromEntries(Object.entries(bundle).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Gives each schema its key, and calls `onNew` the first time. */
  #namer(onNew: (key: string, schema: JsonObject) => void): (schema: JsonObject) => string {
    const keys = new Map<JsonObject, string>();
    const taken = new Set<string>();
    return (schema) => {
      const known = keys.get(schema);
      if (known !== undefined) return known;
      const wanted = this.#wantedKey(schema);
      let key = wanted;
      for (let i = 2; taken.has(key); i++) key = `${wanted}-${i}`;
      taken.add(key);
      keys.set(schema, key);
      onNew(key, schema);
      return key;
    };
  }

  /** `ui.notify.v1` of a file, `ui.notify.v1.address` of `#/$defs/address` in it. */
  #wantedKey(schema: JsonObject): string {
    const place = this.#references.find(schema);
    const file = place === undefined ? "schema" : (this.#keys.get(place.document) ?? "schema");
    if (place === undefined || place.pointer === "") return file;
    const token = place.pointer.slice(place.pointer.lastIndexOf("/") + 1);
    return `${file}.${token.replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, MAX_TOKEN_LENGTH)}`;
  }
}
