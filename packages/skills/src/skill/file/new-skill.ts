import { existsSync } from "node:fs";
import { join } from "node:path";
import { shownPath } from "@adaos/config";
import { formatEventRef, MeshError } from "@adaos/core";
import { originTokenProblem, quote } from "@adaos/core/wire";
import type { FileRegistry } from "@adaos/registry";
import { exampleOf, refOf } from "../../new-files.ts";
import { javaScriptText, pythonText, typeScriptText } from "./templates.ts";

export const SKILL_LANGUAGES = ["js", "ts", "python"] as const;
export type SkillLanguage = (typeof SKILL_LANGUAGES)[number];

export interface NewSkill {
  /** Folder of skills; each has a folder of its own in it. */
  readonly dir: string;
  readonly name: string;
  readonly language: SkillLanguage;
  /** The event that it handles. */
  readonly event?: string | undefined;
  /** The event that it publishes. */
  readonly publish?: string | undefined;
}

const USUAL_EVENT = "nlp.intent.detected";
const USUAL_PUBLISH = "ui.notify";
const MAX_NAME = 40;

/** Plans the files of a new skill, by their paths. Throws `usage` where there is one of that name already. */
export function planSkill(
  { dir, name, language, event, publish }: NewSkill,
  registry: FileRegistry,
): ReadonlyMap<string, string> {
  const problem =
    originTokenProblem(name) ??
    (name.length > MAX_NAME ? `is longer than ${MAX_NAME} characters` : undefined);
  if (problem !== undefined) throw new MeshError("usage", `the skill's name ${quote(name)} ${problem}`);
  const folder = join(dir, name);
  const handled = refOf(registry, event ?? usual(registry, USUAL_EVENT));
  const published = refOf(registry, publish ?? usual(registry, USUAL_PUBLISH));
  const parts = { handled, published, data: exampleOf(registry, published) };
  const [file, text] = {
    js: ["index.mjs", javaScriptText(parts)] as const,
    ts: ["index.ts", typeScriptText(parts)] as const,
    python: ["skill.py", pythonText(parts)] as const,
  }[language];
  const files = new Map([
    [join(folder, "skill.yaml"), manifestText(name, parts, language)],
    [join(folder, file), text],
  ]);
  for (const path of files.keys()) {
    if (existsSync(path))
      throw new MeshError(
        "usage",
        `${shownPath(path)} exists, and is never overwritten; choose another name`,
      );
  }
  return files;
}

function usual(registry: FileRegistry, name: string): string {
  const usable = registry.records.filter(({ kind, status }) => kind === "event" && status === "stable");
  const found = usable.find((record) => record.name === name) ?? usable[0];
  if (found !== undefined) return formatEventRef(found.name, found.version);
  throw new MeshError("usage", "the registry has no stable event; name events with --event and --publish");
}

function manifestText(
  name: string,
  { handled, published }: { readonly handled: string; readonly published: string },
  language: SkillLanguage,
): string {
  return `# Check it with "adaos skill check", and try it with "adaos skill test".
name: ${name}
version: 0.1.0
description: What ${name} is for, in one sentence.
${language === "python" ? "command: [python3, skill.py]\n" : ""}events:
  subscribe: [${handled}]
  publish: [${published}]
`;
}
