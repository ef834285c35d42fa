import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import type { RegistryProof } from "./proof.ts";

/** The source of a registry's files: a folder, or a bundle. */
export interface RegistryFiles {
  /** As the caller named it, for messages. */
  readonly dir: string;
  /**
   * Reads a UTF-8 file of the registry, and no other.
   * @param path Relative to the registry's root.
   * @param namedAt Where the path was found, `<file>:<line>:<column>`; begins the message of every error.
   * Rejects with MeshError `invalid-config`.
   */
  read(path: string, maxBytes: number, namedAt: string): Promise<string>;
  /** The proof of texts that were read before; undefined without. */
  readonly proof?: RegistryProof | undefined;
}

/** A registry folder. */
export interface RegistryFolder {
  /** As the caller named it, for messages. */
  readonly dir: string;
  /** Without symbolic links, for comparing. */
  readonly realDir: string;
  /** Planned files by path, read as if they existed. */
  readonly planned?: ReadonlyMap<string, string>;
  /** Its name in messages. @default "registry folder" */
  readonly what?: string;
}

/** Throws MeshError `invalid-config` where there is no such folder. */
export async function openFolder(
  dir: string,
  planned: ReadonlyMap<string, string> = new Map(),
): Promise<RegistryFolder> {
  try {
    return { dir, realDir: await realpath(dir), planned };
  } catch (cause) {
    throw new MeshError("invalid-config", `no schema registry at ${dir}: the folder does not exist`, {
      cause,
    });
  }
}

/** The files of a folder. */
export function folderFiles(folder: RegistryFolder, proof?: RegistryProof): RegistryFiles {
  const { dir } = folder;
  return { dir, proof, read: (path, maxBytes, namedAt) => readWithin(folder, path, maxBytes, namedAt) };
}

/** The text of a file, or the reason why it cannot be read. */
export type Reading =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly problem: string; readonly isMissing: boolean };

/**
 * Reads a UTF-8 file of a registry, and nothing outside of it: neither by `..` nor through a symbolic link.
 * @param path Relative to the folder.
 * @param namedAt Where the path was found, `<file>:<line>:<column>`; begins the message of every error.
 * @throws MeshError `invalid-config`.
 */
export async function readWithin(
  folder: RegistryFolder,
  path: string,
  maxBytes: number,
  namedAt: string,
): Promise<string> {
  const reading = await tryReadWithin(folder, path, maxBytes);
  if (reading.problem === undefined) return reading.text;
  throw new MeshError("invalid-config", `${namedAt}: ${reading.problem}`);
}

/** As {@link readWithin}, for callers that handle a missing file. */
export async function tryReadWithin(
  folder: RegistryFolder,
  path: string,
  maxBytes: number,
): Promise<Reading> {
  const planned = folder.planned?.get(path);
  if (planned !== undefined) return { text: planned };
  const fail = (problem: string, isMissing = false): Reading => {
    return { problem: `${join(folder.dir, path)} ${problem}`, isMissing };
  };
  const { what = "registry folder" } = folder;
  const named = resolve(folder.realDir, path);
  if (isOutside(folder.realDir, named)) return fail(`is outside the ${what}; move the file into it`);
  let real: string;
  try {
    real = await realpath(named);
  } catch {
    return fail("does not exist; create it or correct the path", true);
  }
  if (isOutside(folder.realDir, real)) return fail(`is a link out of the ${what}; copy the file in`);
  try {
    // Checked before opening: a named pipe would block the reader forever.
    const stats = await stat(real);
    if (!stats.isFile()) return fail("is not a file");
    if (stats.size > maxBytes) return fail(`is ${stats.size} bytes, the limit is ${maxBytes}`);
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(await readFile(real)) };
  } catch (cause) {
    return fail(`is not readable UTF-8 text: ${messageOf(cause)}`);
  }
}

/** A registry of {@link MAX_FILES} files has far more than 10,000 events. */
const MAX_FILES = 100_000;
const MAX_DEPTH = 20;

/** The contents of a registry folder. */
export interface FolderContent {
  /** Paths of all files, sorted; links are not followed. Planned files are included. */
  readonly paths: ReadonlySet<string>;
  /** Plain files that are not reached through links. */
  readonly plain: ReadonlySet<string>;
}

/** Lists a registry folder: at most 100,000 files, 20 folders deep. */
export function listContent({ realDir, planned }: RegistryFolder): FolderContent {
  const found = new Set<string>();
  const plain = new Set<string>();
  const look = (path: string, depth: number): void => {
    for (const entry of entriesOf(join(realDir, path))) {
      const inner = path === "" ? entry.name : `${path}/${entry.name}`;
      if (!entry.isDirectory()) found.add(inner);
      else if (depth < MAX_DEPTH) look(inner, depth + 1);
      if (entry.isFile()) plain.add(inner);
      if (found.size >= MAX_FILES) return;
    }
  };
  look("", 0);
  return { paths: new Set([...found, ...(planned?.keys() ?? [])].toSorted()), plain };
}

function entriesOf(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    // Removed meanwhile, or unreadable: a record that names a file in it gets an error.
    return [];
  }
}

/**
 * As {@link tryReadWithin}, three times as fast for a plain file found by {@link listContent}. It blocks on the
 * disk: for commands, not for daemons.
 */
export async function readListed(
  folder: RegistryFolder,
  { plain }: FolderContent,
  path: string,
  maxBytes: number,
): Promise<Reading> {
  if (folder.planned?.has(path) === true || !plain.has(path)) return tryReadWithin(folder, path, maxBytes);
  try {
    const bytes = readFileSync(join(folder.realDir, path));
    if (bytes.length <= maxBytes) return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    // The slow way reports the problem.
  }
  return tryReadWithin(folder, path, maxBytes);
}

function isOutside(dir: string, path: string): boolean {
  const way = relative(dir, path);
  return way === ".." || way.startsWith("../") || way.startsWith("..\\") || isAbsolute(way);
}
