import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { shownPath } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { folderOf, SKILL_FILE } from "./read-skill.ts";

const MAX_SKILLS = 1000;

/** The folders of skills that a path means: its own, or those directly in it. Throws `usage` where there is none. */
export function findSkills(paths: readonly string[]): string[] {
  const found = paths.flatMap((path) => {
    const folder = folderOf(path);
    if (!existsSync(folder))
      throw new MeshError("usage", `there is no ${shownPath(folder)}; name a skill's folder`);
    const inside = skillsIn(folder);
    if (inside.length > 0) return inside;
    throw new MeshError(
      "usage",
      `${shownPath(folder)} has no ${SKILL_FILE}, and none of its folders has; adaos skill new NAME writes one`,
    );
  });
  if (found.length > MAX_SKILLS) throw new MeshError("usage", `more than ${MAX_SKILLS} skills`);
  return [...new Set(found)];
}

/** The skill that a folder is, else the skills directly in it. */
function skillsIn(folder: string): string[] {
  if (!statSync(folder).isDirectory()) return [];
  if (existsSync(join(folder, SKILL_FILE))) return [folder];
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((inner) => existsSync(join(inner, SKILL_FILE)));
}
