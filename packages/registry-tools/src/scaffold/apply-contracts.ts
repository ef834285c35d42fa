import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { writeNew, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { REGISTRY_FILE } from "@adaos/registry";
import type { ContractsPlan } from "./plan-contracts.ts";

type Undo = () => void;

/**
 * Writes a plan, all of it or nothing: after a failure, the earlier steps are undone. The new index is moved into
 * place last, so a killed process leaves at worst files that no record names.
 * @throws MeshError `usage` when something exists already, or when the index has changed since.
 */
export function applyContracts(plan: ContractsPlan): void {
  const undo: Undo[] = [];
  try {
    // The holder of the staged index may change the index; others wait.
    const stagedIndex = stageIndex(plan, undo);
    moveIntoPlace(plan, undo);
    for (const [path, text] of plan.replaced) if (path !== REGISTRY_FILE) replaceFile(plan, path, text, undo);
    renameSync(stagedIndex, join(plan.folder.realDir, REGISTRY_FILE));
  } catch (cause) {
    for (const step of undo.reverse()) step();
    throw MeshError.from(cause, "usage", `nothing was made in ${plan.folder.dir}`);
  }
}

function stageIndex({ folder, replaced, indexBefore }: ContractsPlan, undo: Undo[]): string {
  const index = join(folder.realDir, REGISTRY_FILE);
  const staged = `${index}.new`;
  try {
    writeNew(staged, replaced.get(REGISTRY_FILE) ?? "");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    const told = `${staged} cannot be made: somebody else changes the registry, or was cut off and it is to be removed`;
    throw new MeshError("usage", told, { cause });
  }
  undo.push(() => rmSync(staged, { force: true }));
  if (readFileSync(index, "utf8") !== indexBefore)
    throw new MeshError("usage", `${index} was changed meanwhile; run it again`);
  return staged;
}

/** The new folders are filled elsewhere, and moved into place whole. */
function moveIntoPlace({ folder, contractFolders, created }: ContractsPlan, undo: Undo[]): void {
  const staging = mkdtempSync(join(folder.realDir, ".scaffold-"));
  undo.push(() => rmSync(staging, { recursive: true, force: true }));
  for (const [path, text] of created) {
    const file = join(staging, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  for (const contractFolder of contractFolders) {
    const target = join(folder.realDir, contractFolder);
    let above = folder.realDir;
    for (const step of dirname(contractFolder).split("/")) {
      above = join(above, step);
      enterFolder(above, undo);
    }
    if (exists(target)) throw new MeshError("usage", `${join(folder.dir, contractFolder)} is there already`);
    renameSync(join(staging, contractFolder), target);
    undo.push(() => rmSync(target, { recursive: true, force: true }));
  }
  rmSync(staging, { recursive: true });
}

/** Creates a missing folder. Throws `usage` for a link, which may lead out of the registry. */
function enterFolder(path: string, undo: Undo[]): void {
  if (exists(path)) {
    if (!lstatSync(path).isDirectory())
      throw new MeshError("usage", `${path} is no folder but a file or a link`);
    return;
  }
  mkdirSync(path);
  undo.push(() => rmdirSync(path));
}

function replaceFile({ folder }: ContractsPlan, path: string, text: string, undo: Undo[]): void {
  const file = join(folder.realDir, path);
  enterFolder(dirname(file), undo);
  const before = exists(file) ? readFileSync(file) : undefined;
  undo.push(() => {
    if (before === undefined) rmSync(file, { force: true });
    else writeFileSync(file, before);
  });
  writeWhole(file, text, 0o644);
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
