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

/** What else is known of a registry. */
interface RegistryFacts {
  /** Digest of each text that it was read from, by its path. */
  readonly digests?: ReadonlyMap<string, string>;
  /** Not given: found out when it is asked for. */
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

  /** What was read from a folder stays as it is. */
  onChange(): () => void {
    return () => undefined;
  }

  /** Digest of each text that it was read from, by its path; nothing of one that was put together. */
  get digests(): ReadonlyMap<string, string> | undefined {
    return this.#facts.digests;
  }

  /** Names what the registry says: see {@link contentHash}. */
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

  /** The parsed schema of an event. Not to be changed: the validator reads it too. Throws `unknown-event`. */
  schemaOf(name: string, version: number): Readonly<JsonObject> {
    return this.#find(name, version).document.schema;
  }

  /** The file of an event's schema; events may share one. Throws `unknown-event`. */
  documentOf(name: string, version: number): SchemaDocument {
    return this.#find(name, version).document;
  }

  /** Every rule of its schema that data breaks, at most 20; a contract stops at the first. Throws `unknown-event`. */
  violationsOf(name: string, version: number | undefined, data: unknown): readonly Violation[] {
    this.#judgeAll ??= allViolations([...new Set(this.entries.map(({ document }) => document))]);
    return this.#judgeAll(this.#find(name, version).document, data);
  }

  /** The same among the schemas of this registry that it may refer to. */
  scopeOf(name: string, version: number): SchemaScope {
    const find = (uri: string): SchemaScope | undefined => {
      this.#byUri ??= new Map(this.entries.map(({ document }) => [document.uri, document.schema]));
      const root = this.#byUri.get(uri);
      return root === undefined ? undefined : { root, find };
    };
    return { root: this.#find(name, version).document.schema, find };
  }

  /** Every event and what its schema classifies, as policies are compiled with. */
  get events(): readonly KnownEvent[] {
    if (this.#facts.events !== undefined) return this.#facts.events;
    return [...this.#byName.values()].flat().map(({ record: { name, version, kind }, classification }) => {
      return { name, version, kind, classes: classification.classes };
    });
  }

  /**
   * Where the schema of an event classifies data, in its own file or in one that it refers to. Throws `unknown-event`.
   */
  classifiedSpots(name: string, version: number): readonly ClassifiedSpot[] {
    return this.#find(name, version).classification.spots;
  }

  /**
   * The data of an event as it may be shown: its classified values masked. Nothing says where these are in data that
   * breaks its schema, or of a version that is not here while others of the event classify something: then all of it is
   * masked. Of an event that is not here nothing is declared, and its data is shown.
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
