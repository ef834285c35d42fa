import { counted } from "@adaos/core/wire";
import type { Finding, Scene } from "../check.ts";

/** Parts of the daemons' reports on their registries. */
interface RegistryDetails {
  readonly hash?: string | null;
  /** Of a root: the digests of the content of its folder. */
  readonly waiting?: string;
  readonly refused?: string;
  readonly faults?: readonly { readonly at: string; readonly rule: string; readonly told: string }[];
  /** Of a hub: the registry of its root. */
  readonly root?: string | null;
  /** Of a member: the registry of its hub, and how its own relates to it. */
  readonly hub?: string | null;
  readonly relation?: string | null;
}

/** Whether all nodes work by one registry, and whether what is saved in its folder is in force. */
export async function registry({ health, layout }: Scene): Promise<readonly Finding[]> {
  return health.components.flatMap(({ kind, name, details = {} }): Finding[] => {
    if (kind !== "node") return [];
    const told = (details["registry"] ?? {}) as RegistryDetails;
    return [...folderFindings(told, layout.registryDir), ...behind(name, told)];
  });
}

function folderFindings({ waiting, refused, faults = [] }: RegistryDetails, about: string): Finding[] {
  const [first] = faults;
  if (refused !== undefined) {
    const why = first === undefined ? "it breaks somebody" : `${first.at} ${first.rule}: ${first.told}`;
    const problem = `what is saved is refused for ${counted(faults.length, "fault")}`;
    return [{ level: "fault", about, problem, why, mend: "adaos registry apply --dry-run" }];
  }
  if (waiting === undefined) return [];
  const why = "registry_auto_apply leaves it to an operator";
  return [
    { level: "notice", about, problem: "what is saved is not in force", why, mend: "adaos registry apply" },
  ];
}

/** A daemon that hears of a new registry has it within seconds. */
function behind(name: string, { hash, root, hub, relation }: RegistryDetails): Finding[] {
  const given = root ?? hub;
  const isEqual = given === undefined || given === null || given === hash;
  if (isEqual || hash === null) return [];
  const whose = root === undefined ? "its hub's" : "the root's";
  const why = `its own is ${short(hash)}, ${whose} ${short(given)}${relation == null ? "" : ` (${relation})`}`;
  const problem = "works by another registry than the mesh";
  return [{ level: "notice", about: name, problem, why, mend: "adaos status" }];
}

function short(hash: string | undefined): string {
  return (hash ?? "none").slice(0, 12);
}
