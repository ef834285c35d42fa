import {
  type EventContract,
  formatEventRef,
  MeshError,
  type SchemaRegistry,
  type Violation,
} from "@adaos/core";
import { type KnownEvent, maskOf, nearest, quote } from "@adaos/core/wire";
import {
  type AllViolations,
  allViolations,
  type ClassifiedSpot,
  type JsonObject,
  type SchemaClassification,
  type SchemaDocument,
  type SchemaScope,
} from "@adaos/json-schema";
import { contentHash } from "./content-hash.ts";
import type { EventRecord } from "./record.ts";

/** A record with its schema and its contract. */
export interface RegistryEntry {
  readonly record: EventRecord;
  readonly document: SchemaDocument;
  readonly contract: EventContract;
  readonly classification: SchemaClassification;
}

/** Further facts about a registry. */
interface RegistryFacts {
  /** Digest of each text that was read, by its path. */
  readonly digests?: ReadonlyMap<string, string>;
  /** Undefined: computed on first use. */
  readonly hash?: string;
  readonly events?: readonly KnownEvent[];
}

/** A schema registry read from a folder; see `loadRegistry()`. Look-ups do no I/O. */
export class FileRegistry implements SchemaRegistry {
  readonly dir: string;
  /** In the order of `registry.yaml`. */
  readonly records: readonly EventRecord[];
  readonly entries: readonly RegistryEntry[];
  readonly #byName = new Map<string, RegistryEntry[]>();
  readonly #facts: RegistryFacts;
  #byUri: ReadonlyMap<string, JsonObject> | undefined;
  #hash: string | undefined;
  #judgeAll: AllViolations | undefined;

  constructor(dir: string, entries: readonly RegistryEntry[], facts: RegistryFacts = {}) {
    this.dir = dir;
    this.entries = entries;
    this.#facts = facts;
    this.#hash = facts.hash;
    this.records = entries.map(({ record }) => record);
    for (const entry of entries) {
      const versions = this.#byName.get(entry.record.name) ?? [];
      versions.push(entry);
      versions.sort((a, b) => b.record.version - a.record.version);
      this.#byName.set(entry.record.name, versions);
    }
  }

  /** A registry from a folder never changes. */
  onChange(): () => void {
    return () => undefined;
  }

  /** Digest of each text that was read, by its path; undefined for a registry that was put together. */
  get digests(): ReadonlyMap<string, string> | undefined {
    return this.#facts.digests;
  }

  /** Identifies the registry's meaning: see {@link contentHash}. */
  get hash(): string {
    this.#hash ??= contentHash(this.entries);
    return this.#hash;
  }

  resolve(name: string, version?: number): EventContract {
    return this.#find(name, version).contract;
  }

  /** Throws `unknown-event`. */
  recordOf(name: string, version: number): EventRecord {
    return this.#find(name, version).record;
  }

  /** The parsed schema of an event. Do not change it: the validator reads it too. Throws `unknown-event`. */
  schemaOf(name: string, version: number): Readonly<JsonObject> {
    return this.#find(name, version).document.schema;
  }

  /** The schema with examples and defaults of classified data masked. Throws `unknown-event`. */
  shownSchemaOf(name: string, version: number): Readonly<JsonObject> {
    return this.#find(name, version).classification.shownSchema();
  }

  /** The file of an event's schema; events may share one. Throws `unknown-event`. */
  documentOf(name: string, version: number): SchemaDocument {
    return this.#find(name, version).document;
  }

  /**
   * Every rule of the schema that data breaks, at most 20; a contract stops at the first. Throws `unknown-event`.
   */
  violationsOf(name: string, version: number | undefined, data: unknown): readonly Violation[] {
    this.#judgeAll ??= allViolations([...new Set(this.entries.map(({ document }) => document))]);
    return this.#judgeAll(this.#find(name, version).document, data);
  }

  /** The schema's scope: the registry's schemas that it may refer to. */
  scopeOf(name: string, version: number): SchemaScope {
    const find = (uri: string): SchemaScope | undefined => {
      this.#byUri ??= new Map(this.entries.map(({ document }) => [document.uri, document.schema]));
      const root = this.#byUri.get(uri);
      return root === undefined ? undefined : { root, find };
    };
    return { root: this.#find(name, version).document.schema, find };
  }

  /** Every event and the classes of its schema, for compiling policies. */
  get events(): readonly KnownEvent[] {
    if (this.#facts.events !== undefined) return this.#facts.events;
    return [...this.#byName.values()].flat().map(({ record: { name, version, kind }, classification }) => {
      return { name, version, kind, classes: classification.classes };
    });
  }

  /**
   * The places where the schema of an event classifies data, in its own file or in one that it refers to. Throws
   * `unknown-event`.
   */
  classifiedSpots(name: string, version: number): readonly ClassifiedSpot[] {
    return this.#find(name, version).classification.spots;
  }

  /**
   * The data of an event with its classified values masked. All of it is masked where the classified values cannot
   * be found: in data that breaks its schema, and for a missing version of an event with classified data in other
   * versions. The data of an unknown event is shown: nothing is declared about it.
   */
  mask(name: string, version: number, data: unknown): unknown {
    const versions = this.#byName.get(name) ?? [];
    const found = versions.find(({ record }) => record.version === version);
    const classes = (found === undefined ? versions : [found]).flatMap(
      ({ classification }) => classification.classes,
    );
    if (classes.length === 0) return data;
    if (found?.contract.validate(data).valid !== true) return maskOf(classes);
    return found.classification.mask(data);
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
