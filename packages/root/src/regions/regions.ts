import type { RootFile } from "@adaos/config";
import { type EventPattern, Policy } from "@adaos/core";
import { regionDurable } from "@adaos/core/wire";
import type { Subnets } from "../subnets.ts";
import { regionFilters } from "./region-filters.ts";

/** Another region, as the root's file names it. */
export type KnownRegion = RootFile["regions"][string] & { readonly name: string };

/** A durable of the root's stream, and the subjects that it delivers; without any there is none. */
export interface WantedDurable {
  readonly consumer: string;
  readonly filters: readonly string[];
}

/** The other regions of the root's file; follows its changes. */
export class Regions {
  /** Name of this mesh, as other regions know it. */
  readonly mesh: string;
  readonly policy: Policy;
  readonly #subnets: Subnets;
  #regions: ReadonlyMap<string, KnownRegion> = new Map();
  #regionOf: ReadonlyMap<string, string> = new Map();

  constructor(file: RootFile, subnets: Subnets) {
    this.mesh = file.mesh;
    this.policy = new Policy([]);
    this.#subnets = subnets;
    this.replace(file);
  }

  all(): readonly KnownRegion[] {
    return [...this.#regions.values()];
  }

  get(name: string): KnownRegion | undefined {
    return this.#regions.get(name);
  }

  /** The region of a subnet; undefined for one of this root, or of nobody. */
  regionOf(subnet: string): string | undefined {
    return this.#regionOf.get(subnet);
  }

  /** All subnets of other regions whose events may come. */
  readonly origins = (): string[] => [...this.#regionOf.keys()];

  /** The events that this root takes from a region; none while it does not know where that is. */
  incoming({ name, server, subnets }: KnownRegion): readonly EventPattern[] {
    if (server === undefined || Object.keys(subnets).length === 0) return [];
    return this.policy.patternsFor({ verb: "import", subnet: this.mesh, from: name });
  }

  /** The durables from which other regions pull. */
  durables(): WantedDurable[] {
    const { mesh, policy } = this;
    return this.all().map(({ name, tenant, key }) => {
      const way = { mesh, region: name, tenant, subnets: this.#subnets.tenants };
      return { consumer: regionDurable(name), filters: key === undefined ? [] : regionFilters(policy, way) };
    });
  }

  /** Public keys of the regions that pull here, by name. */
  keys(): ReadonlyMap<string, string> {
    return keysOf(Object.fromEntries(this.#regions));
  }

  replace({ regions, regionPolicy }: RootFile): void {
    this.#regions = new Map(Object.entries(regions).map(([name, region]) => [name, { ...region, name }]));
    this.#regionOf = new Map(
      this.all().flatMap(({ name, subnets }) =>
        Object.keys(subnets).map((subnet) => [subnet, name] as const),
      ),
    );
    this.policy.replace(regionPolicy);
  }
}

/** Public keys of the regions that pull here, by name. Pure. */
export function keysOf(regions: RootFile["regions"]): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(regions).flatMap(([name, { key }]) => (key === undefined ? [] : [[name, key] as const])),
  );
}
