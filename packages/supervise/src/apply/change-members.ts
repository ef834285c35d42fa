import { readFileSync, statSync } from "node:fs";
import { type NewMember, resolveStateDir, withMember, withoutMember, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { parseNodeAddress } from "@adaos/core/wire";
import { loadPolicy } from "@adaos/policy";
import { KeyRing, type Layout, leafKeyName, memberKeyName, meshFileIn, readLayout } from "@adaos/provision";
import { applyUpdate, assertApplied, neededSupervisor, planUpdate } from "./apply-policy.ts";
import { whileLocked } from "./change-lock.ts";

/** The result of a change to a member. */
export interface MemberChange {
  readonly node: string;
  readonly done: "added" | "removed" | "rotated";
  /** The file from which the member starts; absent for a removed member. */
  readonly nodeFile?: string;
  /** Time until every node had the change in force. */
  readonly inForceMs: number;
}

/**
 * Adds a member to the mesh file and to the running mesh. Rejects with `usage`, `invalid-config`, `unavailable` or
 * `timeout`.
 */
export async function addMember(id: string, member: NewMember, state: string): Promise<MemberChange> {
  const address = parseNodeAddress(id);
  return changed(id, "added", state, (file) => withMember(file, address, member));
}

/** Removes a member from the mesh file and from the running mesh. Rejects as {@link addMember} does. */
export async function removeMember(id: string, state: string): Promise<MemberChange> {
  const address = parseNodeAddress(id);
  return changed(id, "removed", state, (file) => withoutMember(file, address));
}

/**
 * Gives a member, a hub, the root's daemons or a subnet's leaf connection another key. Servers disconnect the clients
 * of the old key; daemons and programs reconnect with the new one by themselves. Rejects as {@link addMember} does.
 * @param id `alpha/kitchen`, `alpha/hub`, `root`; with `leaf` a subnet.
 */
export async function rotateKey(id: string, leaf: boolean, state: string): Promise<MemberChange> {
  return changed(id, "rotated", state, (file, stateDir) => {
    new KeyRing(stateDir).rotate(keyNameOf(id, leaf, readLayout(stateDir)));
    return readFileSync(file, "utf8");
  });
}

/** Throws `usage` for an id that has no key on this machine. */
function keyNameOf(id: string, leaf: boolean, { nodes }: Layout): string {
  const node = nodes.find((candidate) => candidate.id === (leaf ? `${id}/hub` : id));
  if (node === undefined) {
    if (!leaf && nodes.some((candidate) => candidate.id === `${id}/hub`))
      throw new MeshError("usage", `${id} is a subnet: rotate ${id}/hub or a member, or ${id} with --leaf`);
    const what = leaf ? `subnet ${id}` : `node ${id}`;
    throw new MeshError(
      "usage",
      `no ${what} runs from this machine; of one that has joined, a new code (adaos join create) replaces the key`,
    );
  }
  if (leaf) return leafKeyName(id);
  // All daemons of a root, or of a hub, have one key.
  if (node.role === "root") return "root/daemon";
  if (node.role === "hub") return `${id.split("/")[0]}/hub`;
  const { subnet, node: member } = parseNodeAddress(id);
  return memberKeyName(subnet, member);
}

/** @param change Returns the new text of the mesh file. */
async function changed(
  id: string,
  done: MemberChange["done"],
  state: string,
  change: (file: string, stateDir: string) => string,
): Promise<MemberChange> {
  const stateDir = resolveStateDir(state);
  return whileLocked(stateDir, () => changedAlone(id, done, stateDir, change));
}

async function changedAlone(
  id: string,
  done: MemberChange["done"],
  stateDir: string,
  change: (file: string, stateDir: string) => string,
): Promise<MemberChange> {
  const supervisor = neededSupervisor(stateDir);
  const file = meshFileIn(readLayout(stateDir));
  await assertApplied(await loadPolicy(file), stateDir);
  const before = readFileSync(file, "utf8");
  const after = change(file, stateDir);
  const { mode } = statSync(file);
  if (after !== before) writeWhole(file, after, mode);
  try {
    const update = await planUpdate(await loadPolicy(file), stateDir);
    const inForceMs = await applyUpdate(update, stateDir, supervisor);
    const nodeFile = update.plan.layout.nodes.find((node) => node.id === id)?.nodeFile;
    return { node: id, done, ...(nodeFile === undefined ? {} : { nodeFile }), inForceMs };
  } catch (thrown) {
    // The mesh file must not contain a change that was never written to the nodes; after a timeout it was.
    if (after !== before && !(thrown instanceof MeshError && thrown.code === "timeout"))
      writeWhole(file, before, mode);
    throw thrown;
  }
}
