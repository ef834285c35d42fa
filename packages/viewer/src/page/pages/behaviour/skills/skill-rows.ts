import type { SkillList } from "../../../../api/behaviour.ts";

const MIB = 1_048_576;

/** A skill of a member, as its daemon tells. */
export type SkillRow = SkillList["members"][number]["skills"][number] & { readonly member: string };

/** The skills of every member in one list. Pure. */
export function rowsOf({ members }: SkillList): SkillRow[] {
  return members.flatMap(({ node, skills }) => skills.map((skill) => ({ ...skill, member: node })));
}

/** `42 MiB`. Pure. */
export function memoryText(bytes: number | null): string {
  return bytes === null ? "–" : `${Math.round(bytes / MIB)} MiB`;
}
