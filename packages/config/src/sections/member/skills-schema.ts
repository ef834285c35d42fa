import { resolve } from "node:path";
import { z } from "zod";

const MAX_PATHS = 1000;

/** The skills of a member's daemon. */
export const skillsSchema = z
  .array(z.string().min(1).max(4096))
  .max(MAX_PATHS)
  .describe("skills that the member's daemon runs: their folders, or folders of such folders");

/** Where a member may install skills from. */
export const skillSourcesSchema = z
  .array(z.string().min(1).max(4096))
  .max(MAX_PATHS)
  .describe(
    "folders on the member's machine from which the command repo.skill.install may install skills; without them it installs none",
  );

/** Both, in a member's node file. */
export const nodeSkillsSchema = z.strictObject({
  dir: z.string().min(1).describe("folder for what the daemon keeps of its skills; the member's own"),
  paths: skillsSchema.default([]),
  sources: skillSourcesSchema.default([]),
});

/** The skills that a mesh file declares for a member; paths are absolute. */
export interface DeclaredSkills {
  readonly paths: readonly string[];
  readonly sources: readonly string[];
}

/** The entries of a member's skills with absolute paths. Pure. */
export function placedSkills(
  member: {
    readonly skills?: readonly string[] | undefined;
    readonly skill_sources?: readonly string[] | undefined;
  },
  dir: string,
): DeclaredSkills {
  const placed = (paths: readonly string[] = []): string[] => paths.map((path) => resolve(dir, path));
  return { paths: placed(member.skills), sources: placed(member.skill_sources) };
}
