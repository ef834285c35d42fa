import { shownPath } from "@adaos/config";
import type { Policy } from "@adaos/core";
import { messageOf, type NodeAddress } from "@adaos/core/wire";
import { contentDigest, readFolder } from "../install/content.ts";
import { planLaunch, type Runtime } from "../process/launch.ts";
import { readSkill, SKILL_FILE, type SkillDefinition, type SkillProblem } from "./read-skill.ts";

/** The member that is to run a skill. */
export interface SkillRights {
  readonly policy: Policy;
  readonly as: NodeAddress;
}

export interface CheckedSkill {
  readonly folder: string;
  readonly file: string;
  readonly definition: SkillDefinition | undefined;
  /** Of its files, as an install names it; undefined where it could not be installed. */
  readonly digest: string | undefined;
  readonly problems: readonly SkillProblem[];
}

/** Checks a skill without running it: its file, whether this Node can run it, and what policy lets it do. */
export function checkSkill(folder: string, runtime: Runtime, rights?: SkillRights): CheckedSkill {
  const problems: SkillProblem[] = [];
  let digest: string | undefined;
  const whole = { file: shownPath(`${folder}/${SKILL_FILE}`), line: 1, column: 1 } as const;
  try {
    digest = contentDigest(readFolder(folder));
  } catch (thrown) {
    problems.push({ severity: "warning", ...whole, message: messageOf(thrown) });
  }
  try {
    const read = readSkill(folder);
    const { file, definition } = read;
    problems.push(...read.problems);
    if (definition !== undefined) {
      try {
        planLaunch(definition, folder, runtime);
      } catch (thrown) {
        problems.push(read.problemAt(["entry"], messageOf(thrown)));
      }
      if (definition.topics.length === 0)
        problems.push(
          read.problemAt(["events"], "subscribes to nothing; it only runs what start() does", "warning"),
        );
      if (rights !== undefined) problems.push(...deniedIn(definition, rights, read.problemAt));
    }
    return { folder, file, definition, digest, problems };
  } catch (thrown) {
    problems.push({ severity: "error", ...whole, message: messageOf(thrown) });
    return { folder, file: whole.file, definition: undefined, digest, problems };
  }
}

function deniedIn(
  { topics, publish }: SkillDefinition,
  { policy, as }: SkillRights,
  problemAt: (path: readonly PropertyKey[], message: string) => SkillProblem,
): SkillProblem[] {
  const { subnet, node } = as;
  const asked = [
    ...topics.map(({ pattern }, i) => ({ verb: "subscribe", pattern, i }) as const),
    ...publish.map((pattern, i) => ({ verb: "publish", pattern, i }) as const),
  ];
  return asked.flatMap(({ verb, pattern, i }) => {
    const { allowed, rule } = policy.decidePattern({ verb, subnet, node }, pattern);
    if (allowed) return [];
    const message = `policy does not let ${subnet}/${node} ${verb} ${pattern.text} (${rule}); allow it in mesh.yaml, or remove it here`;
    return [problemAt(["events", verb, i], message)];
  });
}
