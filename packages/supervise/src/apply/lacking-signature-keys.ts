import { existsSync, readFileSync } from "node:fs";
import { type NodeFileInput, nodeId } from "@adaos/config";
import type { LoadedPolicy } from "@adaos/policy";
import {
  type Invited,
  isRemote,
  isRemoteMember,
  KeyRing,
  NodeSignatures,
  remoteKeyNameOf,
} from "@adaos/provision";
import type { PolicyUpdate } from "./apply-policy.ts";

/** A key of a subnet that a node on another machine needs and cannot have yet. */
export interface LackingKey {
  readonly node: string;
  readonly subnet: string;
  readonly keyId: string;
}

/** The signature keys that an update adds, by the nodes of other machines that joined without them. */
export function lackingSignatureKeys(
  { before, plan }: Pick<PolicyUpdate, "before" | "plan">,
  { meshFile: { mesh }, rules }: LoadedPolicy,
  stateDir: string,
): LackingKey[] {
  const root = before.nodes.find(({ role }) => role === "root");
  const text = root === undefined ? undefined : plan.files.get(root.nodeFile);
  if (root === undefined || text === undefined) return [];
  const was = signaturesIn(existsSync(root.nodeFile) ? readFileSync(root.nodeFile, "utf8") : "");
  const is = signaturesIn(text);
  const fresh = Object.entries(is).flatMap(([subnet, { keys }]) =>
    Object.keys(keys)
      .filter((keyId) => !Object.hasOwn(was[subnet]?.keys ?? {}, keyId))
      .map((keyId) => ({ subnet, keyId })),
  );
  if (fresh.length === 0) return [];
  const keys = new KeyRing(stateDir);
  const holders = new NodeSignatures(mesh, rules, keys);
  const elsewhere = [...mesh.subnets.values()].flatMap((subnet): Invited[] => {
    if (isRemote(subnet)) return [{ subnet: subnet.name }];
    const members = [...subnet.members.values()].filter(isRemoteMember);
    return members.map((member) => ({ subnet: subnet.name, member: member.name }));
  });
  return elsewhere
    .filter((invited) => keys.joined(remoteKeyNameOf(invited)) !== undefined)
    .flatMap(({ subnet: name, member = "hub" }) => {
      // A hub joins with its members, who have all keys that it has.
      const held = holders.ofMember(name).signatures ?? {};
      const node = nodeId({ subnet: name, node: member });
      return fresh.filter(({ subnet }) => Object.hasOwn(held, subnet)).map((key) => ({ node, ...key }));
    });
}

/** The signatures in a node file as we write it. A damaged file has none: it is about to be repaired. */
function signaturesIn(text: string): NonNullable<NodeFileInput["signatures"]> {
  try {
    return (JSON.parse(text) as Pick<NodeFileInput, "signatures">).signatures ?? {};
  } catch {
    return {};
  }
}
