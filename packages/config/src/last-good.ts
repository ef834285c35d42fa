import { existsSync, readFileSync, rmSync } from "node:fs";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { type ConfigError, configErrorOf } from "./config-error.ts";
import { writeWhole } from "./files/write-whole.ts";
import { type LoadedNode, type NodeFile, type NodeRole, nodeFileDigest, readNodeFile } from "./node-file.ts";

/** The copy of a file's last good version. It is beside the file, whose paths are relative to it. */
export function lastGoodFile(file: string): string {
  return `${file}.last-good`;
}

/**
 * Reads a node file or, where that is broken, the copy of its last good version. Throws `invalid-config` when there
 * is none, and when the file is gone: then the node was removed.
 */
export function readLastGoodNode<R extends NodeRole>(
  file: string,
  role: R,
): { readonly loaded: LoadedNode<Extract<NodeFile, { role: R }>>; readonly broken?: MeshError } {
  try {
    return { loaded: readNodeFile(file, role) };
  } catch (thrown) {
    const broken = MeshError.from(thrown, "invalid-config", `${file} cannot be read`);
    if (!existsSync(file) || !existsSync(lastGoodFile(file))) throw broken;
    try {
      return { loaded: { ...readNodeFile(lastGoodFile(file), role), file }, broken };
    } catch {
      // The disk has damaged both: the error is about the file, which can be repaired.
      throw broken;
    }
  }
}

/** Replaces a broken node file by its last good version. Returns whether it did. Throws as a read does. */
export function restoreNodeFile(file: string, role: NodeRole): boolean {
  const { broken } = readLastGoodNode(file, role);
  if (broken === undefined) return false;
  writeWhole(file, readFileSync(lastGoodFile(file), "utf8"));
  return true;
}

/** Keeps a copy of the node file in force. Throws the system's error. */
export function keepLastGood({ file, digest }: Pick<LoadedNode<NodeFile>, "file" | "digest">): void {
  const text = textOf(file);
  // The file has changed since: the next version is kept when it is in force.
  if (text === undefined || nodeFileDigest(text) !== digest) return;
  if (textOf(lastGoodFile(file)) !== text) writeWhole(lastGoodFile(file), text);
}

/** Removes a node file and its copy: nothing may be left to connect with. */
export function removeNodeFile(file: string): void {
  rmSync(file, { force: true });
  rmSync(lastGoodFile(file), { force: true });
}

/**
 * The error of a broken node file.
 * @param hasLastGood Whether the node runs by the last good version; else it does nothing until the file is
 *   repaired.
 */
export function nodeFileError(file: string, thrown: unknown, hasLastGood = true): ConfigError {
  const now = hasLastGood ? "the last good version is in force" : "the node does nothing until it is mended";
  return configErrorOf(file, thrown, `${now}; adaos policy apply or adaos up writes the file anew`);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new MeshError("invalid-config", `${file} cannot be read: ${messageOf(thrown)}`);
  }
}
