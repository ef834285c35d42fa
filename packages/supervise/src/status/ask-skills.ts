import { messageOf } from "@adaos/core/wire";
import type { SkillStatus } from "@adaos/skills";
import { askStatus } from "./ask-status.ts";

/** The skills of a member, as its daemon tells. */
export interface NodeSkills {
  readonly node: string;
  readonly skills: readonly SkillStatus[];
  /** What is wrong beside the skills themselves. */
  readonly problems: readonly string[];
  /** Why the state is unknown; absent when the daemon answers. */
  readonly away?: string;
}

/** Asks the daemon of a member on this machine. One that does not answer causes no rejection. */
export async function askSkills(node: string, stateDir: string): Promise<NodeSkills> {
  const none = { node, skills: [], problems: [] };
  try {
    const asked = await askStatus(node, stateDir);
    if (asked === undefined) return { ...none, away: "is not running" };
    const { skills = [], problems = [] } = (asked.status.parts["skills"]?.details ??
      {}) as Partial<NodeSkills>;
    return { node, skills, problems };
  } catch (thrown) {
    return { ...none, away: `does not answer: ${messageOf(thrown)}` };
  }
}
