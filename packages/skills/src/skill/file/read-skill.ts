import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { readYamlTree, schemaProblems, shownPath, type YamlTree } from "@adaos/config";
import { type EventPattern, MeshError, parseEventPattern, type RetryPreset } from "@adaos/core";
import { type SkillForm, skillForm, skillName } from "./form.ts";

export const SKILL_FILE = "skill.yaml";
const MAX_FILE_BYTES = 64 * 1024;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_CONCURRENCY = 16;
const DEFAULT_MEMORY_MB = 128;
/** Modules that a skill begins with unless its file names another. */
const ENTRIES = ["index.mjs", "index.js", "index.ts", "index.mts", "index.cjs"];

/** An event that a skill subscribes to, and how it is handled. */
export interface SkillTopic {
  readonly pattern: EventPattern;
  readonly timeoutMs: number;
  readonly maxConcurrency: number;
  readonly retry: RetryPreset | undefined;
}

/** How the process of a skill is started: its module, or its own command. */
export type SkillProgram =
  | { readonly kind: "module"; readonly file: string }
  | { readonly kind: "command"; readonly command: readonly string[] };

/** A skill as its folder describes it. */
export interface SkillDefinition {
  readonly name: string;
  readonly version: string | undefined;
  readonly description: string | undefined;
  readonly program: SkillProgram;
  readonly topics: readonly SkillTopic[];
  readonly publish: readonly EventPattern[];
  readonly memoryMb: number;
  /** Environment variables of the daemon that its process gets too. */
  readonly env: readonly string[];
}

/** Something wrong in a skill, and its place. */
export interface SkillProblem {
  readonly severity: "error" | "warning";
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The fault and its remedy. */
  readonly message: string;
}

export interface SkillFile {
  readonly folder: string;
  /** `skill.yaml`, as messages show it. */
  readonly file: string;
  /** Undefined where the file has problems. */
  readonly definition: SkillDefinition | undefined;
  readonly problems: readonly SkillProblem[];
  /** A problem at the value of this path. */
  problemAt(path: readonly PropertyKey[], message: string, severity?: "warning"): SkillProblem;
  /** `skills/weather/skill.yaml:4:5` */
  placeOf(path: readonly PropertyKey[]): string;
}

/** Reads the `skill.yaml` of a folder. Throws MeshError `invalid-config` where there is no file to read. */
export function readSkill(folder: string): SkillFile {
  const file = join(folder, SKILL_FILE);
  let text: string;
  try {
    const facts = statSync(file);
    // The read of a pipe waits, and that of a device may have no end.
    if (!facts.isFile()) throw new MeshError("invalid-config", `${shownPath(file)} is no plain file`);
    const { size } = facts;
    if (size > MAX_FILE_BYTES)
      throw new MeshError(
        "invalid-config",
        `${shownPath(file)} is ${size} bytes, the limit is ${MAX_FILE_BYTES}`,
      );
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${shownPath(file)} cannot be read`);
  }
  const read = skillFile(text, folder, (path) => existsSync(join(folder, path)));
  const { definition } = read;
  if (definition === undefined || definition.program.kind === "command") return read;
  return existsSync(definition.program.file)
    ? read
    : withProblems(read, [read.problemAt(["entry"], missingEntry(definition.program.file, folder))]);
}

function withProblems(read: SkillFile, problems: readonly SkillProblem[]): SkillFile {
  return { ...read, definition: undefined, problems: [...read.problems, ...problems] };
}

function missingEntry(file: string, folder: string): string {
  return `there is no ${basename(file)} in ${shownPath(folder)}; write one, or name the skill's module: entry: src/main.mjs`;
}

/** As {@link readSkill}, for its text. Pure but for `exists`. */
export function skillFile(text: string, folder: string, exists: (path: string) => boolean): SkillFile {
  const { tree, problems } = readYamlTree(text);
  const file = shownPath(join(folder, SKILL_FILE));
  const problemAt: SkillFile["problemAt"] = (path, message, severity) => {
    const place = tree?.placeOf(path) ?? { line: 1, column: 1 };
    return { severity: severity ?? "error", file, ...place, message };
  };
  const placeOf: SkillFile["placeOf"] = (path) => {
    const { line, column } = problemAt(path, "");
    return `${file}:${line}:${column}`;
  };
  const checked = tree === undefined ? undefined : skillForm.safeParse(tree.value);
  const found = foundIn(tree, checked, problems);
  const definition = checked?.success === true ? definitionOf(checked.data, folder, exists) : undefined;
  const nameProblem = definition === undefined ? undefined : folderNameProblem(definition.name);
  if (nameProblem !== undefined)
    return {
      ...{ folder, file, definition: undefined, problemAt, placeOf },
      problems: [problemAt([], nameProblem)],
    };
  return {
    folder,
    file,
    definition,
    problems: found.map(({ message, place }) => ({ severity: "error", file, ...place(), message })),
    problemAt,
    placeOf,
  };
}

/** A name in the file is checked with the file; without one the skill has that of its folder. */
function folderNameProblem(name: string): string | undefined {
  const [issue] = skillName.safeParse(name).error?.issues ?? [];
  return issue === undefined
    ? undefined
    : `its folder's name is the skill's name, and ${issue.message}; rename the folder, or write another name: weather`;
}

type Checked = ReturnType<typeof skillForm.safeParse>;

function foundIn(
  tree: YamlTree | undefined,
  checked: Checked | undefined,
  problems: ReturnType<typeof readYamlTree>["problems"],
): ReturnType<typeof readYamlTree>["problems"] {
  return tree === undefined || checked === undefined || checked.success
    ? problems
    : schemaProblems(tree, checked.error);
}

function definitionOf(form: SkillForm, folder: string, exists: (path: string) => boolean): SkillDefinition {
  const {
    events,
    handlers = {},
    timeout = DEFAULT_TIMEOUT_MS,
    max_concurrency: most = DEFAULT_CONCURRENCY,
  } = form;
  const entry = form.entry ?? ENTRIES.find(exists) ?? ENTRIES[0] ?? "";
  return {
    name: form.name ?? basename(resolve(folder)),
    version: form.version,
    description: form.description,
    program:
      form.command === undefined
        ? { kind: "module", file: resolve(folder, entry) }
        : { kind: "command", command: form.command },
    topics: [...new Set(events.subscribe ?? [])].map((text) => {
      const own = handlers[text];
      return {
        pattern: parseEventPattern(text),
        timeoutMs: own?.timeout ?? timeout,
        maxConcurrency: own?.max_concurrency ?? most,
        retry: own?.retry,
      };
    }),
    publish: (events.publish ?? []).map(parseEventPattern),
    memoryMb: form.memory_mb ?? DEFAULT_MEMORY_MB,
    env: form.env ?? [],
  };
}

/** The first problem of a skill in one sentence, with its place. */
export function skillProblemText({ file, line, column, message }: SkillProblem): string {
  return `${file}:${line}:${column} ${message}`;
}

/** The folder of a skill that a path means: the folder itself, or that of its `skill.yaml`. */
export function folderOf(path: string): string {
  return basename(path) === SKILL_FILE ? dirname(path) : path;
}
