import { nodeId, skillsDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { nearest, parseNodeAddress } from "@adaos/core/wire";
import { readLayout } from "@adaos/provision";
import { MemberSkillFiles, type SkillStatus } from "@adaos/skills";
import { askSkills, type NodeSkills } from "../status/ask-skills.ts";

/** A member of this machine's mesh, and what its daemon keeps of its skills. */
export interface SkillOfMember {
  /** `alpha/kitchen` */
  readonly member: string;
  readonly files: MemberSkillFiles;
  /** As the daemon tells; undefined where it does not run, or does not know the skill. */
  readonly status: SkillStatus | undefined;
}

/** The skills of all members of this machine, or of the one that is named. */
export async function skillsOfMembers(stateDir: string, as?: string): Promise<NodeSkills[]> {
  const layout = readLayout(stateDir);
  const members = layout.nodes.filter(({ role }) => role === "member").map(({ id }) => id);
  if (as === undefined) return Promise.all(members.map((id) => askSkills(id, stateDir)));
  const id = nodeId(parseNodeAddress(as));
  if (members.includes(id)) return [await askSkills(id, stateDir)];
  throw new MeshError("usage", `the mesh in ${stateDir} has no member ${as} on this machine`);
}

/** The member that has a skill of this name. Throws `usage` where there is none, or several and none is named. */
export async function memberOfSkill(name: string, stateDir: string, as?: string): Promise<SkillOfMember> {
  const asked = await skillsOfMembers(stateDir, as);
  const having = asked.flatMap(({ node, skills }) => {
    const status = skills.find((skill) => skill.name === name);
    return status === undefined ? [] : [{ node, status }];
  });
  const of = (member: string, status: SkillStatus | undefined): SkillOfMember => ({
    member,
    files: new MemberSkillFiles(skillsDir(stateDir, member)),
    status,
  });
  const [only] = having;
  if (only !== undefined && having.length === 1) return of(only.node, only.status);
  const [named] = asked;
  if (having.length === 0 && as !== undefined && named?.away !== undefined) return of(named.node, undefined);
  if (having.length > 1)
    throw new MeshError(
      "usage",
      `${having.map(({ node }) => node).join(", ")} have a skill ${name}; name one with --as`,
    );
  const known = asked.flatMap(({ skills }) => skills.map((skill) => skill.name));
  const meant = nearest(name, known);
  const silent = asked.filter(({ away }) => away !== undefined).map(({ node }) => node);
  throw new MeshError(
    "usage",
    [
      `no member of this machine has a skill ${name}`,
      ...(meant === undefined ? [] : [`did you mean ${meant}?`]),
      ...(silent.length === 0 ? [] : [`${silent.join(", ")} did not answer`]),
      "adaos skill list shows all",
    ].join("; "),
  );
}
