import type { EventPattern } from "./event-pattern.ts";
import type { PolicyRule, PolicyVerb } from "./policy.ts";

/** `synced`: on disk before an ack. `relaxed`: in the operating system's cache; a power cut may lose the last 2 minutes. */
export type Durability = "synced" | "relaxed";

/** A whole mesh as `mesh.yaml` declares it, checked. */
export interface Mesh {
  readonly name: string;
  readonly durability: Durability;
  readonly subnets: ReadonlyMap<string, Subnet>;
}

export interface Subnet {
  readonly name: string;
  /** Events that may leave for the root. */
  readonly exports: readonly EventPattern[];
  /** Events that may enter from the root. */
  readonly imports: readonly EventPattern[];
  readonly members: ReadonlyMap<string, Member>;
}

export interface Member {
  readonly name: string;
  readonly publish: readonly EventPattern[];
  readonly subscribe: readonly EventPattern[];
}

/** Every rule of a mesh, in the order of its file. */
export function rulesOf(mesh: Mesh): PolicyRule[] {
  const rules: PolicyRule[] = [];
  for (const subnet of mesh.subnets.values()) rules.push(...subnetRules(subnet), ...memberRules(subnet));
  return rules;
}

/** What a subnet may export and import. */
export function subnetRules(subnet: Subnet): PolicyRule[] {
  return [
    ...rulesFor("export", subnet.exports, subnet.name, undefined),
    ...rulesFor("import", subnet.imports, subnet.name, undefined),
  ];
}

/** What the members of a subnet may publish and subscribe; of one member when it is named. */
export function memberRules(subnet: Subnet, only?: string): PolicyRule[] {
  const rules: PolicyRule[] = [];
  for (const member of subnet.members.values()) {
    if (only !== undefined && member.name !== only) continue;
    rules.push(...rulesFor("publish", member.publish, subnet.name, member.name));
    rules.push(...rulesFor("subscribe", member.subscribe, subnet.name, member.name));
  }
  return rules;
}

function rulesFor(
  verb: PolicyVerb,
  patterns: readonly EventPattern[],
  subnet: string,
  node: string | undefined,
): PolicyRule[] {
  return patterns.map((pattern, i) => ({
    id: `${node === undefined ? subnet : `${subnet}.${node}`}.${verb}[${i}]`,
    verb,
    subnet,
    ...(node === undefined ? {} : { node }),
    pattern,
  }));
}
