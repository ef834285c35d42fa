import type { NodeFileInput } from "@adaos/config";
import type { Mesh, Policy } from "@adaos/core";
import type { Keys } from "./keys.ts";

/** What a node file says of signatures; nothing where the node has to do with none. */
type SignatureEntry = Pick<NodeFileInput, "signatures">;

/** Says which node holds which signature keys: as few as it can do its work with. Makes keys that are new. */
export class NodeSignatures {
  readonly #mesh: Mesh;
  readonly #policy: Policy;
  readonly #keys: Keys;

  /** @param policy Of the whole mesh. */
  constructor(mesh: Mesh, policy: Policy, keys: Keys) {
    this.#mesh = mesh;
    this.#policy = policy;
    this.#keys = keys;
  }

  /** The root verifies every subnet's events, and tells each of what it refuses. */
  ofRoot(): SignatureEntry {
    return this.#entry(() => ({ knows: true, signs: true }));
  }

  /** A hub tells its subnet of what it refuses, and gives back what was parked, whose envelopes are new ones then. */
  ofHub(subnet: string): SignatureEntry {
    return this.#entry((other) => ({ knows: other === subnet || this.#passes(other, subnet), signs: true }));
  }

  /**
   * A member signs its own events, and verifies those of its subnet and of all whose events or replies may come to it.
   */
  ofMember(subnet: string): SignatureEntry {
    return this.#entry((other) => {
      const isOwn = other === subnet;
      return { knows: isOwn || this.#passes(other, subnet) || this.#passes(subnet, other), signs: isOwn };
    });
  }

  #entry(roleIn: (subnet: string) => { readonly knows: boolean; readonly signs: boolean }): SignatureEntry {
    const entries = [...this.#mesh.subnets].flatMap(([name, { signatures }]) => {
      const { knows, signs } = roleIn(name);
      if (signatures === undefined || !knows) return [];
      const { sign, accept, ...limits } = signatures;
      const keys = accept.map((id) => [id, this.#keys.signatureKeyFile(name, id)] as const);
      return [[name, { ...(signs ? { sign } : {}), keys: Object.fromEntries(keys), ...limits }] as const];
    });
    return entries.length === 0 ? {} : { signatures: Object.fromEntries(entries) };
  }

  /** Whether any event may go from one subnet to another. */
  #passes(from: string, to: string): boolean {
    return (
      this.#policy.patternsFor({ verb: "export", subnet: from }).length > 0 &&
      this.#policy.patternsFor({ verb: "import", subnet: to, from }).length > 0
    );
  }
}
