import { type EventContract, formatEventRef, MeshError, quote, type SchemaRegistry } from "@adaos/core";
import { contentHash } from "./content-hash.ts";
import type { EventRecord } from "./record.ts";
import type { SchemaScope } from "./schema-conjuncts.ts";
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
  readonly entries: readonly RegistryEntry[];
  readonly #byName = new Map<string, RegistryEntry[]>();
  readonly #byUri: ReadonlyMap<string, JsonObject>;
  #hash: string | undefined;

  constructor(dir: string, entries: readonly RegistryEntry[]) {
    this.dir = dir;
    this.entries = entries;
    this.#byUri = new Map(entries.map(({ document }) => [document.uri, document.schema]));
    this.records = entries.map(({ record }) => record);
    for (const entry of entries) {
      const versions = this.#byName.get(entry.record.name) ?? [];
      versions.push(entry);
      versions.sort((a, b) => b.record.version - a.record.version);
      this.#byName.set(entry.record.name, versions);
    }
  }

  /** Names what the registry says: see {@link contentHash}. */
  get hash(): string {
    this.#hash ??= contentHash(this.entries);
    return this.#hash;
  }

  resolve(name: string, version?: number): EventContract {
    return this.#find(name, version).contract;
  }

  /** The parsed schema of an event. Not to be changed: the validator reads it too. Throws `unknown-event`. */
  schemaOf(name: string, version: number): Readonly<JsonObject> {
    return this.#find(name, version).document.schema;
  }

  /** The same among the schemas of this registry that it may refer to. */
  scopeOf(name: string, version: number): SchemaScope {
    const find = (uri: string): SchemaScope | undefined => {
      const root = this.#byUri.get(uri);
      return root === undefined ? undefined : { root, find };
    };
    return { root: this.#find(name, version).document.schema, find };
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

/** More typing errors than this are another word. */
const MAX_EDITS = 3;

/** The candidate with the fewest edits from `text`, at most 3 and fewer than a third of its length. Pure. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestEdits = Math.min(MAX_EDITS, Math.floor(text.length / 3)) + 1;
  for (const candidate of candidates) {
    // Compared first: names come from strangers, and this keeps long ones from costing time.
    if (Math.abs(candidate.length - text.length) >= bestEdits) continue;
    const edits = editDistance(text, candidate);
    if (edits >= bestEdits) continue;
    best = candidate;
    bestEdits = edits;
  }
  return best;
}

/** Insertions, deletions and replacements that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
