import type { NodeFileInput } from "@adaos/config";
import { type Mesh, Policy, type PolicyRule } from "@adaos/core";
import type { Keys } from "./keys.ts";

/** The signature settings of a node file; empty for a node without any. */
type SignatureEntry = Pick<NodeFileInput, "signatures">;

/** Assigns signature keys to nodes: to each as few as it needs. Makes new keys. */
export class NodeSignatures {
  readonly #mesh: Mesh;
  readonly #rules: readonly PolicyRule[];
  readonly #keys: Keys;
  /** Of the whole mesh; only a mesh with signatures needs it. */
  #policy: Policy | undefined;
  /** By subnet: all its members have the same. */
  readonly #ofMembers = new Map<string, SignatureEntry>();

  /** @param rules Of the whole mesh. */
  constructor(mesh: Mesh, rules: readonly PolicyRule[], keys: Keys) {
    this.#mesh = mesh;
    this.#rules = rules;
    this.#keys = keys;
  }

  /** The root verifies every subnet's events, and publishes refusals in each subnet. */
  ofRoot(): SignatureEntry {
    return this.#entry(() => ({ knows: true, signs: true }));
  }

  /** A hub publishes refusals in its subnet, and releases parked events with new envelopes. */
  ofHub(subnet: string): SignatureEntry {
    return this.#entry((other) => ({ knows: other === subnet || this.#passes(other, subnet), signs: true }));
  }

  /**
   * A member signs its own events. It verifies those of its subnet and of all subnets whose events or replies it may
   * receive.
   */
  ofMember(subnet: string): SignatureEntry {
    const known =
      this.#ofMembers.get(subnet) ??
      this.#entry((other) => {
        const isOwn = other === subnet;
        return { knows: isOwn || this.#passes(other, subnet) || this.#passes(subnet, other), signs: isOwn };
      });
    this.#ofMembers.set(subnet, known);
    return known;
  }

  #entry(roleIn: (subnet: string) => { readonly knows: boolean; readonly signs: boolean }): SignatureEntry {
    const entries = [...this.#mesh.subnets].flatMap(([name, { signatures }]) => {
      if (signatures === undefined) return [];
      const { knows, signs } = roleIn(name);
      if (!knows) return [];
      const { sign, accept, ...limits } = signatures;
      const keys = accept.map((id) => [id, this.#keys.signatureKeyFile(name, id)] as const);
      return [[name, { ...(signs ? { sign } : {}), keys: Object.fromEntries(keys), ...limits }] as const];
    });
    return entries.length === 0 ? {} : { signatures: Object.fromEntries(entries) };
  }

  /** Whether any event may go from one subnet to another. */
  #passes(from: string, to: string): boolean {
    this.#policy ??= new Policy(this.#rules);
    return (
      this.#policy.patternsFor({ verb: "export", subnet: from }).length > 0 &&
      this.#policy.patternsFor({ verb: "import", subnet: to, from }).length > 0
    );
  }
}
