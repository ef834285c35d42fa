import { type EventContract, formatEventRef, MeshError, quote, type SchemaRegistry } from "@adaos/core";
import { nearest } from "./nearest.ts";
import type { EventRecord } from "./record.ts";
import type { JsonObject, SchemaDocument } from "./schema-document.ts";

/** A record with its schema and its contract. */
export interface RegistryEntry {
  readonly record: EventRecord;
  readonly document: SchemaDocument;
  readonly contract: EventContract;
}

/** A schema registry read from a folder; see `loadRegistry()`. Look-ups do no I/O. */
export class FileRegistry implements SchemaRegistry {
  readonly dir: string;
  /** In the order of `registry.yaml`. */
  readonly records: readonly EventRecord[];
  readonly #byName = new Map<string, RegistryEntry[]>();

  constructor(dir: string, entries: readonly RegistryEntry[]) {
    this.dir = dir;
    this.records = entries.map(({ record }) => record);
    for (const entry of entries) {
      const versions = this.#byName.get(entry.record.name) ?? [];
      versions.push(entry);
      versions.sort((a, b) => b.record.version - a.record.version);
      this.#byName.set(entry.record.name, versions);
    }
  }

  resolve(name: string, version?: number): EventContract {
    return this.#find(name, version).contract;
  }

  /** The parsed schema of an event. Not to be changed: the validator reads it too. Throws `unknown-event`. */
  schemaOf(name: string, version: number): Readonly<JsonObject> {
    return this.#find(name, version).document.schema;
  }

  #find(name: string, version: number | undefined): RegistryEntry {
    const versions = this.#byName.get(name);
    if (versions === undefined) throw this.#unknownName(name);
    const found = versions.find(({ record }) =>
      version === undefined ? record.status !== "draft" : record.version === version,
    );
    if (found !== undefined) return found;
    const known = versions.map(({ record }) => formatEventRef(name, record.version)).join(", ");
    const told =
      version === undefined
        ? `has only drafts in the registry ${this.dir}; name the version to use one: ${known}`
        : `has no version ${version} in the registry ${this.dir}; it has ${known}`;
    throw new MeshError("unknown-event", `${name} ${told}`);
  }

  #unknownName(name: string): MeshError {
    const near = nearest(name, [...this.#byName.keys()]);
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    return new MeshError("unknown-event", `no event ${quote(name)} in the registry ${this.dir}${hint}`);
  }
}
