import { join, resolve } from "node:path";
import { shownPath, withItem } from "@adaos/config";
import { eventNameProblem, MeshError, quote } from "@adaos/core";
import { makeDist } from "../dist.ts";
import { openFolder, type RegistryFolder, readWithin } from "../files.ts";
import { contractPaths } from "../layout.ts";
import { lintRegistry } from "../lint/lint-registry.ts";
import { loadFolder, MAX_INDEX_BYTES, REGISTRY_FILE } from "../load.ts";
import { namingProblem } from "../naming.ts";
import { contractFiles, type NewContract, recordOf } from "./templates.ts";

/** All that a scaffold is going to write, proven to be right as a whole. */
export interface ScaffoldPlan {
  readonly folder: RegistryFolder;
  /** The new folder, `<namespace>/<name>/v<major>`. */
  readonly contractFolder: string;
  /** What goes into it, by path below the registry folder. */
  readonly created: ReadonlyMap<string, string>;
  /** Files that are there already, or generated. */
  readonly replaced: ReadonlyMap<string, string>;
  /** Text of the index that the plan was made for. */
  readonly indexBefore: string;
  /** Why there are no types. */
  readonly typesProblem: string | undefined;
}

/**
 * Plans a new contract and writes nothing.
 * @throws MeshError `usage` for a name that breaks a rule or is taken, `invalid-config` for a registry that is not right.
 */
export async function planScaffold(dir: string, contract: NewContract): Promise<ScaffoldPlan> {
  assertName(contract);
  const { name, version } = contract;
  const before = await openFolder(dir);
  const indexBefore = await readWithin(
    before,
    REGISTRY_FILE,
    MAX_INDEX_BYTES,
    `no schema registry at ${dir}`,
  );
  const { records } = await loadFolder(before);
  if (records.some((record) => record.name === name && record.version === version)) {
    throw new MeshError("usage", `${name}@${version} is in ${join(dir, REGISTRY_FILE)} already`);
  }
  const created = contractFiles(contract);
  const replaced = new Map([
    [REGISTRY_FILE, withItem(indexBefore, join(dir, REGISTRY_FILE), recordOf(contract))],
  ]);
  const planned = await openFolder(dir, new Map([...created, ...replaced]));
  const { files, typesProblem } = await makeDist(await loadFolder(planned));
  for (const [path, text] of files) replaced.set(path, text);
  const contractFolder = contractPaths(name, version).folder;
  const plan = { folder: before, contractFolder, created, replaced, indexBefore, typesProblem };
  await assertClean(dir, plan);
  return plan;
}

/** Names hold no slash and no `..`, so no path made of one leads out of the registry. */
function assertName({ name, version, kind, namingException }: NewContract): void {
  const wrong = eventNameProblem(name);
  if (wrong !== undefined) throw new MeshError("usage", `the name ${quote(name)} ${wrong}`);
  if (!(Number.isInteger(version) && version >= 1 && version <= 9999))
    throw new MeshError("usage", `version must be 1 to 9999, got ${version}`);
  const problem = namingProblem(name, kind);
  if (problem === undefined || namingException !== undefined) return;
  const meant = problem.suggestion === undefined ? "" : `; did you mean ${problem.suggestion}?`;
  throw new MeshError("usage", `${problem.message} (${problem.rule})${meant}`);
}

/** What is new must be clean. What was wrong before is not the scaffold's. */
async function assertClean(dir: string, { created, replaced, indexBefore }: ScaffoldPlan): Promise<void> {
  const { findings } = await lintRegistry(dir, { planned: new Map([...created, ...replaced]) });
  const index = shownPath(resolve(dir, REGISTRY_FILE));
  const ours = new Set([...created.keys()].map((path) => shownPath(resolve(dir, path))));
  const lines = indexBefore.split("\n").length;
  const own = findings.filter(({ file, line }) => ours.has(file) || (file === index && line > lines));
  const [first] = own;
  if (first === undefined) return;
  const meant = first.suggestion === undefined ? "" : `; did you mean ${first.suggestion}?`;
  throw new MeshError("usage", `${first.message} (${first.rule})${meant}`);
}
