import type { MeshFile } from "@adaos/config";
import type { Member, Subnet } from "@adaos/core/wire";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import { leafKeyName, memberKeyName } from "./keys/keys.ts";

/** The invited node on another machine: a subnet's hub with its members, or one member. */
export interface Invited {
  readonly subnet: string;
  readonly member?: string | undefined;
}

/** The reason why a node cannot be invited, with the remedy; undefined when it can. */
export function invitedProblem(meshFile: MeshFile, { subnet: name, member }: Invited): string | undefined {
  const { mesh, file } = meshFile;
  const subnet = mesh.subnets.get(name);
  const place = meshFile.placeOfSubnet(name);
  if (subnet === undefined) {
    const line = `${name}: { remote: true, import: [], export: [], members: {} }`;
    return `${file} has no subnet ${name}; add at ${place}, below subnets, "${line}" with what it may do, and run adaos policy apply`;
  }
  if (member === undefined) {
    if (isRemote(subnet)) return undefined;
    return `the hub of ${name} runs on this machine; write remote: true into it at ${place}, and run adaos policy apply`;
  }
  const found = subnet.members.get(member);
  if (isRemote(subnet)) return `${name} is on another machine; its members join with its hub`;
  if (found === undefined) {
    return `${file} has no member ${name}/${member}; add at ${place}, below its members, "${member}: { remote: true }" with what it may do, and run adaos policy apply`;
  }
  if (isRemoteMember(found)) return undefined;
  return `${name}/${member} runs on this machine; write remote: true into it (${place}), and run adaos policy apply`;
}

/** Name of an invited node's key on this machine. */
export function remoteKeyNameOf({ subnet, member }: Invited): string {
  return member === undefined ? leafKeyName(subnet) : memberKeyName(subnet, member);
}

export function isRemote(subnet: Subnet): boolean {
  return subnet.remote === true;
}

export function isRemoteMember(member: Member): boolean {
  return member.remote === true;
}

/** Whether the server of a subnet, or of the root, is started from this machine. */
export function isLocalServer({ mesh }: MeshFile, name: string): boolean {
  return name === ROOT_DOMAIN || mesh.subnets.get(name)?.remote !== true;
}

/** Names of the keys on other machines, for all remote nodes of a mesh file. */
export function remoteKeyNames({ mesh }: MeshFile): ReadonlySet<string> {
  return new Set(
    [...mesh.subnets.values()].flatMap((subnet) => {
      if (isRemote(subnet)) return [leafKeyName(subnet.name)];
      return [...subnet.members.values()]
        .filter(isRemoteMember)
        .map((member) => memberKeyName(subnet.name, member.name));
    }),
  );
}
