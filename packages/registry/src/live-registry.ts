import { type EventContract, formatEventRef, type SchemaRegistry } from "@adaos/core";
import { compareRegistries, isBreaking, releasedEvent } from "./compare-registries.ts";
import { FileRegistry, type RegistryEntry } from "./file-registry.ts";
import type { EventRecord } from "./record.ts";

/** Relation of a registry to another: which of them has contracts that the other lacks. */
export type RegistryRelation = "same" | "older" | "newer" | "other";

/**
 * The registry of a node: its own folder's and the served one of its hub combined. For an event that both declare,
 * the contract with the higher `x-version` applies. The served one applies where versions are equal, or where the
 * own one would break users of the served one. So new contracts of the mesh apply at once, an application keeps its
 * own newer ones, and no known event is lost.
 */
export class LiveRegistry implements SchemaRegistry {
  readonly own: FileRegistry;
  #served: FileRegistry | undefined;
  #merged: FileRegistry;
  readonly #listeners = new Set<() => void>();

  constructor(own: FileRegistry) {
    this.own = own;
    this.#merged = own;
  }

  get served(): FileRegistry | undefined {
    return this.#served;
  }

  /** The contracts that apply. */
  get merged(): FileRegistry {
    return this.#merged;
  }

  /** Relation of the own registry to the served one; undefined while none is served. */
  get relation(): RegistryRelation | undefined {
    return this.#served === undefined ? undefined : relationOf(this.own, this.#served);
  }

  /** Uses this served registry from now on, and notifies the listeners. */
  serve(served: FileRegistry): void {
    this.#served = served;
    this.#merged = new FileRegistry(this.own.dir, mergedEntries(this.own, served));
    for (const listener of this.#listeners) listener();
  }

  resolve(name: string, version?: number): EventContract {
    return this.#merged.resolve(name, version);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Relation of `own` to `other`. Pure. */
export function relationOf(own: FileRegistry, other: FileRegistry): RegistryRelation {
  if (own.hash === other.hash) return "same";
  const [mine, theirs] = [byRef(own), byRef(other)];
  const behind = [...theirs].some(([ref, entry]) => isAhead(entry, mine.get(ref)));
  const ahead = [...mine].some(([ref, entry]) => isAhead(entry, theirs.get(ref)));
  if (behind === ahead) return "other";
  return behind ? "older" : "newer";
}

function isAhead(entry: RegistryEntry, other: RegistryEntry | undefined): boolean {
  return other === undefined || compareSchemaVersions(entry, other) > 0;
}

function mergedEntries(own: FileRegistry, served: FileRegistry): RegistryEntry[] {
  const merged = byRef(own);
  for (const [ref, entry] of byRef(served)) {
    const mine = merged.get(ref);
    if (mine === undefined || compareSchemaVersions(entry, mine) >= 0 || breaks(own, served, entry.record))
      merged.set(ref, entry);
  }
  return [...merged.values()];
}

/** Whether the own contract of an event breaks users of the served one. */
function breaks(own: FileRegistry, served: FileRegistry, { name, version, status }: EventRecord): boolean {
  if (status === "draft") return false;
  const [before, after] = [releasedEvent(served, name, version), releasedEvent(own, name, version)];
  return compareRegistries([before], [after]).some(isBreaking);
}

function byRef({ entries }: FileRegistry): Map<string, RegistryEntry> {
  return new Map(entries.map((entry) => [formatEventRef(entry.record.name, entry.record.version), entry]));
}

/** By `x-version`; a schema without it comes first. */
function compareSchemaVersions(a: RegistryEntry, b: RegistryEntry): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf({ document }: RegistryEntry): number[] {
  const version = document.schema["x-version"];
  if (typeof version !== "string" || !/^\d{1,6}(\.\d{1,6}){0,3}$/.test(version)) return [];
  return version.split(".").map(Number);
}
