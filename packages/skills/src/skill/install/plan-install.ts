import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { shownPath } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { messageOf, originTokenProblem } from "@adaos/core/wire";
import { SKILL_FILE, skillFile, skillProblemText } from "../file/read-skill.ts";
import { contentDigest, MAX_BYTES, readFolder, type SkillContent } from "./content.ts";
import { readTarball } from "./read-tarball.ts";

/** The command `repo.skill.install@1`. */
export interface InstallCommand {
  readonly skill: string;
  readonly version?: string;
  /** `file:///srv/skills/weather` */
  readonly source?: string;
  /** `sha256:…` of the skill's files. */
  readonly digest?: string;
}

/** Why a skill is not installed: a code for programs, a sentence for people. */
export class InstallRefusal extends Error {
  override readonly name = "InstallRefusal";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A skill that may be installed. */
export interface PlannedInstall {
  readonly skill: string;
  readonly version: string;
  readonly digest: string;
  readonly content: SkillContent;
}

/**
 * Reads and checks the skill that a command names; changes nothing. Throws {@link InstallRefusal}.
 * @param sources Folders that the operator has allowed.
 */
export function planInstall(command: InstallCommand, sources: readonly string[]): PlannedInstall {
  const { skill, digest } = command;
  const nameProblem = originTokenProblem(skill);
  if (nameProblem !== undefined) throw new InstallRefusal("bad-name", `the skill's name ${nameProblem}`);
  if (sources.length === 0)
    throw new InstallRefusal(
      "not-allowed",
      "this member may install nothing; name folders in mesh.yaml: skill_sources",
    );
  if (digest === undefined)
    throw new InstallRefusal(
      "no-digest",
      `the command must name the digest of ${skill}; adaos skill check prints it`,
    );
  const path = allowedPath(command, sources);
  const content = contentAt(path);
  const found = contentDigest(content);
  if (found !== digest)
    throw new InstallRefusal(
      "digest-differs",
      `${shownPath(path)} has the digest ${found}, the command names ${digest}`,
    );
  return { skill, version: versionOf(command, content, path), digest, content };
}

/** The real path of the source, which lies in one of the allowed folders. */
function allowedPath({ skill, version, source }: InstallCommand, sources: readonly string[]): string {
  const roots = sources.flatMap((folder) => (existsSync(folder) ? [realpathSync(folder)] : []));
  const path = source === undefined ? foundIn(roots, skill, version) : localPath(source);
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw new InstallRefusal("not-found", `there is no ${shownPath(path)} on this node`);
  }
  if (roots.some((root) => real.startsWith(`${root}${sep}`))) return real;
  throw new InstallRefusal(
    "not-allowed",
    `${shownPath(path)} is in none of the folders from which this member may install skills; add one in mesh.yaml: skill_sources`,
  );
}

function localPath(source: string): string {
  if (!source.startsWith("file:"))
    throw new InstallRefusal(
      "not-local",
      "a skill is installed from this node's disk alone; copy it there, and name it as file:///…",
    );
  try {
    return fileURLToPath(source);
  } catch (cause) {
    throw new InstallRefusal("not-found", `the source is no path of this node: ${messageOf(cause)}`);
  }
}

function foundIn(roots: readonly string[], skill: string, version: string | undefined): string {
  const names = [skill, `${skill}.tgz`, `${skill}.tar.gz`, `${skill}.tar`];
  const versioned = version === undefined ? [] : [`${skill}-${version}`, `${skill}-${version}.tgz`];
  for (const root of roots) {
    const found = [...versioned, ...names].map((name) => join(root, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  throw new InstallRefusal(
    "not-found",
    `the allowed folders have no ${skill}; name its place as source: file:///…`,
  );
}

function contentAt(path: string): SkillContent {
  try {
    const facts = statSync(path);
    if (facts.isDirectory()) return readFolder(path);
    if (!facts.isFile()) throw new MeshError("usage", `${shownPath(path)} is neither a folder nor a file`);
    if (facts.size > MAX_BYTES)
      throw new MeshError("usage", `${shownPath(path)} is ${facts.size} bytes, the limit is ${MAX_BYTES}`);
    return readTarball(readFileSync(path), shownPath(path));
  } catch (thrown) {
    throw new InstallRefusal("not-a-skill", messageOf(thrown));
  }
}

/** The version in the skill's own file, which must be the one of the command. */
function versionOf({ skill, version }: InstallCommand, content: SkillContent, path: string): string {
  const text = content.get(SKILL_FILE);
  if (text === undefined) throw new InstallRefusal("not-a-skill", `${shownPath(path)} has no ${SKILL_FILE}`);
  const read = skillFile(Buffer.from(text).toString("utf8"), path, (name) => content.has(name));
  const [problem] = read.problems;
  const { definition } = read;
  if (definition === undefined)
    throw new InstallRefusal(
      "not-a-skill",
      problem === undefined ? "it cannot be read" : skillProblemText(problem),
    );
  if (definition.name !== skill)
    throw new InstallRefusal(
      "not-a-skill",
      `${shownPath(path)} is the skill ${definition.name}, not ${skill}`,
    );
  if (definition.version === undefined)
    throw new InstallRefusal(
      "not-a-skill",
      `${read.placeOf([])} needs a version to be installed: version: 1.0.0`,
    );
  const { program } = definition;
  if (program.kind === "module" && !content.has(relative(resolve(path), program.file)))
    throw new InstallRefusal(
      "not-a-skill",
      `${shownPath(path)} has no ${relative(resolve(path), program.file)}`,
    );
  if (version !== undefined && version !== definition.version)
    throw new InstallRefusal(
      "other-version",
      `${shownPath(path)} has version ${definition.version}, not ${version}`,
    );
  return definition.version;
}
