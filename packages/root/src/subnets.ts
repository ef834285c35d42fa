import type { RootFile } from "@adaos/config";
import type { DataClass, Rate } from "@adaos/core/wire";

/** The subnets of the root's file; follows its changes. */
export class Subnets {
  readonly #tenants = new Map<string, string>();
  readonly #nodes = new Map<string, ReadonlySet<string>>();
  readonly #exportLimits = new Map<string, Rate>();
  readonly #clearance = new Map<string, readonly DataClass[]>();
  readonly #clustered = new Set<string>();

  constructor(file: RootFile) {
    this.replace(file);
  }

  /** Tenant of every subnet. */
  get tenants(): ReadonlyMap<string, string> {
    return this.#tenants;
  }

  /** Members of every subnet. */
  get nodes(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#nodes;
  }

  /** Rate limits of uplinks, for subnets with a limit. */
  get exportLimits(): ReadonlyMap<string, Rate> {
    return this.#exportLimits;
  }

  /** Classes of data that each subnet is cleared for. */
  get clearance(): ReadonlyMap<string, readonly DataClass[]> {
    return this.#clearance;
  }

  /** Whether the hub of a subnet has several servers, which keep its streams and durables. */
  isReplicated(subnet: string): boolean {
    return this.#clustered.has(subnet);
  }

  readonly names = (): string[] => [...this.#tenants.keys()];

  /** The map objects stay the same, so their users see the change. */
  replace({ subnets }: RootFile): void {
    for (const map of [this.#tenants, this.#nodes, this.#exportLimits, this.#clearance]) map.clear();
    this.#clustered.clear();
    for (const [name, { tenant, nodes, clearance, exportLimit, servers }] of Object.entries(subnets)) {
      this.#tenants.set(name, tenant);
      this.#nodes.set(name, new Set(nodes));
      this.#clearance.set(name, clearance);
      if (servers > 1) this.#clustered.add(name);
      if (exportLimit !== undefined) this.#exportLimits.set(name, exportLimit);
    }
  }
}
