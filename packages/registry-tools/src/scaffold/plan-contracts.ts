import { join, resolve } from "node:path";
import { asBlockList, invalid, shownPath, withItems } from "@adaos/config";
import { formatEventRef, MeshError } from "@adaos/core";
import type { EventRecord } from "@adaos/registry";
import {
  contractPaths,
  loadFolder,
  MAX_INDEX_BYTES,
  openFolder,
  REGISTRY_FILE,
  type RegistryFolder,
  readWithin,
} from "@adaos/registry";
import { makeDist } from "../generate/dist.ts";
import type { Finding } from "../lint/findings.ts";
import { lintRegistry } from "../lint/lint-registry.ts";

/** A new contract for a registry. Its name and version are checked already. */
export interface PlannedContract {
  readonly name: string;
  readonly version: number;
  readonly record: Partial<EventRecord>;
  /** All files below the contract's folder, by path below the registry folder. */
  readonly files: ReadonlyMap<string, string>;
}

/** All changes of a registry, checked as a whole. */
export interface ContractsPlan {
  readonly folder: RegistryFolder;
  /** The new folders, `<namespace>/<name>/v<major>`. */
  readonly contractFolders: readonly string[];
  /** Their files, by path below the registry folder. */
  readonly created: ReadonlyMap<string, string>;
  /** Files that exist already, or are generated. */
  readonly replaced: ReadonlyMap<string, string>;
  /** Text of the index on which the plan is based. */
  readonly indexBefore: string;
  /** The reason for missing types. */
  readonly typesProblem: string | undefined;
  /** Lint's findings for the new contracts; none is an error. */
  readonly warnings: readonly Finding[];
}

/**
 * Plans new contracts and writes nothing.
 * @throws MeshError `usage` for a contract that exists or breaks a rule of lint, `invalid-config` for an invalid
 *   registry.
 */
export async function planContracts(
  dir: string,
  contracts: readonly PlannedContract[],
): Promise<ContractsPlan> {
  const folder = await openFolder(dir);
  const told = `no schema registry at ${dir}`;
  const indexBefore = await readWithin(folder, REGISTRY_FILE, MAX_INDEX_BYTES, told);
  const { records } = await loadFolder(folder);
  const known = new Set(records.map(({ name, version }) => formatEventRef(name, version)));
  for (const { name, version } of contracts) {
    const ref = formatEventRef(name, version);
    if (known.has(ref)) throw new MeshError("usage", `${ref} is in ${join(dir, REGISTRY_FILE)} already`);
  }
  const created = new Map(contracts.flatMap(({ files }) => [...files]));
  const index = join(dir, REGISTRY_FILE);
  const items = contracts.map(({ record }) => record);
  const replaced = new Map([[REGISTRY_FILE, withItems(indexBefore, index, items)]]);
  const warnings = await lintNew(dir, created, replaced, indexBefore);
  const planned = await openFolder(dir, new Map([...created, ...replaced]));
  const { files, typesProblem } = await makeDist(await loadFolder(planned));
  for (const [path, text] of files) replaced.set(path, text);
  const contractFolders = contracts.map(({ name, version }) => contractPaths(name, version).folder);
  return { folder, contractFolders, created, replaced, indexBefore, typesProblem, warnings };
}

/** Checks the new contracts. Earlier problems do not count. */
async function lintNew(
  dir: string,
  created: ReadonlyMap<string, string>,
  replaced: ReadonlyMap<string, string>,
  indexBefore: string,
): Promise<Finding[]> {
  const { findings } = await lintRegistry(dir, { planned: new Map([...created, ...replaced]) });
  const index = shownPath(resolve(dir, REGISTRY_FILE));
  const ours = new Set([...created.keys()].map((path) => shownPath(resolve(dir, path))));
  const lines = asBlockList(indexBefore, index).trimEnd().split("\n").length;
  const own = findings.filter(({ file, line }) => ours.has(file) || (file === index && line > lines));
  const errors = own.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return own;
  const { message } = invalid(errors, ({ file, message, rule, suggestion }) => {
    const meant = suggestion === undefined ? "" : `; did you mean ${suggestion}?`;
    return `${file === index ? "" : `${file}: `}${message} (${rule})${meant}`;
  });
  throw new MeshError("usage", message);
}
