import { formatEventRef, MeshError, parseEventRef, patternMatches } from "@adaos/core";
import { quote } from "@adaos/core/wire";
import type { SkillDefinition } from "../file/read-skill.ts";

/**
 * The event that a skill may publish, with its version. Without a version it is the declared one where only one is
 * declared. Throws `denied` where `skill.yaml` does not declare it, and `usage` for another text. Policy is asked
 * besides. Pure.
 * @param newest The newest version that the registry has of a name.
 */
export function declaredRef(
  { name: skill, publish }: Pick<SkillDefinition, "name" | "publish">,
  text: string,
  newest: (name: string) => number,
): string {
  const { name, version } = parseEventRef(text);
  const declared = publish.filter(({ kind, stem }) => kind === "name" && stem === name);
  const [only] = declared;
  const meant = version ?? (declared.length === 1 ? only?.version : undefined);
  if (publish.some((pattern) => patternMatches(pattern, name, meant ?? newest(name))))
    return meant === undefined ? name : formatEventRef(name, meant);
  throw new MeshError(
    "denied",
    `skill ${skill} may not publish ${quote(text)}: events.publish in its skill.yaml does not name it`,
    { rule: `skill.${skill}` },
  );
}
