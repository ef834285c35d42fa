import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { MeshFile } from "@adaos/config";
import { MeshError } from "@adaos/core";

const MAX_FILES = 100_000;
const LEFT_OUT: ReadonlySet<string> = new Set(["node_modules", ".git"]);

/** The mesh file and all that it names on this machine. */
export interface NamedFiles {
  /** The folder that holds them all. */
  readonly root: string;
  /** The mesh file, within that folder. */
  readonly meshFile: string;
  /** Paths within that folder: the mesh file, the registry, scenarios and skills. */
  readonly files: readonly string[];
  /** Further files that it names, such as certificates: they may hold secrets. Absolute paths. */
  readonly others: readonly string[];
  /** Links and other things that are no files. */
  readonly leftOut: readonly string[];
}

/** Rejects with `unavailable` when a folder cannot be read, or holds too many files. */
export async function namedFiles(meshFile: MeshFile): Promise<NamedFiles> {
  const named = placesOf(meshFile).filter((path) => existsSync(path));
  const others = [...new Set(pathsIn(meshFile).filter((path) => isFile(path)))].filter(
    (path) => !named.some((place) => isWithin(path, place)),
  );
  const root = commonFolder([dirname(meshFile.file), ...named]);
  const files = new Set<string>([meshFile.file]);
  const leftOut: string[] = [];
  for (const place of named) await collect(place, files, leftOut);
  return {
    root,
    meshFile: inPosix(relative(root, meshFile.file)),
    files: [...files].map((file) => inPosix(relative(root, file))).sort(),
    others,
    leftOut,
  };
}

/** The folder that holds all of these paths. Pure. */
export function commonFolder(paths: readonly string[]): string {
  const [first = sep, ...rest] = paths;
  let common = first;
  for (const path of rest) while (!isWithin(path, common)) common = dirname(common);
  return common;
}

function placesOf(meshFile: MeshFile): string[] {
  const members = [...meshFile.mesh.subnets.values()].flatMap(({ name, remote, members: own }) =>
    [...own.values()]
      .filter((member) => remote !== true && member.remote !== true)
      .map((member) => [name, member.name] as const),
  );
  return [
    meshFile.registryDir,
    ...members.flatMap(([subnet, member]) => [
      ...(meshFile.scenariosOf(subnet, member) ?? []),
      ...meshFile.skillsOf(subnet, member).paths,
    ]),
  ];
}

/** Absolute paths in the settings of a mesh file, wherever they stand. */
function pathsIn({ tls, alerts, tracing, viewer, scrapes, hosts, regions }: MeshFile): string[] {
  const found: string[] = [];
  const look = (value: unknown): void => {
    if (typeof value === "string" && value.startsWith(sep)) found.push(value);
    else if (value instanceof Map) for (const one of value.values()) look(one);
    else if (typeof value === "object" && value !== null) for (const one of Object.values(value)) look(one);
  };
  look([tls, alerts, tracing, viewer, scrapes, hosts, regions]);
  return found;
}

async function collect(path: string, files: Set<string>, leftOut: string[]): Promise<void> {
  if (isFile(path)) {
    files.add(path);
    return;
  }
  let entries: Awaited<ReturnType<typeof readEntries>>;
  try {
    entries = await readEntries(path);
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", `${path} cannot be read`);
  }
  for (const entry of entries) {
    const inner = join(path, entry.name);
    if (LEFT_OUT.has(entry.name)) continue;
    if (entry.isDirectory()) await collect(inner, files, leftOut);
    else if (entry.isFile()) files.add(inner);
    else leftOut.push(inner);
    if (files.size > MAX_FILES)
      throw new MeshError("unavailable", `the mesh file names more than ${MAX_FILES} files`);
  }
}

const readEntries = (path: string) => readdir(path, { withFileTypes: true });

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function inPosix(path: string): string {
  return path.split(sep).join("/");
}
