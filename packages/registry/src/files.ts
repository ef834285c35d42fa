import { readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { MeshError } from "@adaos/core";

/** Where a registry's files are read from: a folder, or a bundle of them. */
export interface RegistryFiles {
  /** As the caller named it, for messages. */
  readonly dir: string;
  /**
   * Reads a UTF-8 file, and nothing that is not the registry's.
   * @param path Seen from the registry's root.
   * @param namedAt Where the path was found, `<file>:<line>:<column>`; begins the message of every error.
   * Rejects with MeshError `invalid-config`.
   */
  read(path: string, maxBytes: number, namedAt: string): Promise<string>;
}

interface RegistryFolder {
  readonly dir: string;
  /** Without symbolic links, for comparing. */
  readonly realDir: string;
}

/** Rejects with MeshError `invalid-config` where there is no such folder. */
export async function openFolder(dir: string): Promise<RegistryFiles> {
  try {
    const folder = { dir, realDir: await realpath(dir) };
    return { dir, read: (path, maxBytes, namedAt) => readWithin(folder, path, maxBytes, namedAt) };
  } catch (cause) {
    throw new MeshError("invalid-config", `no schema registry at ${dir}: the folder does not exist`, {
      cause,
    });
  }
}

/** Reads nothing outside of the folder: neither by `..` nor through a symbolic link. */
async function readWithin(
  folder: RegistryFolder,
  path: string,
  maxBytes: number,
  namedAt: string,
): Promise<string> {
  const fail = (problem: string, cause?: unknown): MeshError =>
    new MeshError("invalid-config", `${namedAt}: ${join(folder.dir, path)} ${problem}`, { cause });
  const named = resolve(folder.realDir, path);
  if (isOutside(folder.realDir, named)) throw fail("is outside the registry folder; move the file into it");
  let real: string;
  try {
    real = await realpath(named);
  } catch (cause) {
    throw fail("does not exist; create it or correct the path", cause);
  }
  if (isOutside(folder.realDir, real)) throw fail("is a link out of the registry folder; copy the file in");
  // Asked before opening: a named pipe would block the reader for ever.
  const stats = await stat(real);
  if (!stats.isFile()) throw fail("is not a file");
  if (stats.size > maxBytes) throw fail(`is ${stats.size} bytes, the limit is ${maxBytes}`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(real));
  } catch (cause) {
    throw fail("is not readable UTF-8 text", cause);
  }
}

function isOutside(dir: string, path: string): boolean {
  const way = relative(dir, path);
  return way === ".." || way.startsWith("../") || way.startsWith("..\\") || isAbsolute(way);
}
