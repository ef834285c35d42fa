import { readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { MeshError } from "@adaos/core";

/** A registry folder. */
export interface RegistryFolder {
  /** As the caller named it, for messages. */
  readonly dir: string;
  /** Without symbolic links, for comparing. */
  readonly realDir: string;
}

/** Throws MeshError `invalid-config` where there is no such folder. */
export async function openFolder(dir: string): Promise<RegistryFolder> {
  try {
    return { dir, realDir: await realpath(dir) };
  } catch (cause) {
    throw new MeshError("invalid-config", `no schema registry at ${dir}: the folder does not exist`, {
      cause,
    });
  }
}

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
