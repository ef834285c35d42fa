import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type MeshFile, writeWhole } from "@adaos/config";
import { FORMATS, inFormat, randomId, withFormat } from "@adaos/core/wire";

const fileIn = (stateDir: string): string => join(stateDir, "applied.json");

/**
 * Notes that a mesh file is in force, as it was when it was read: joined machines follow what is in force only. Throws
 * the system's error.
 */
export function noteApplied(stateDir: string, { text }: Pick<MeshFile, "text">): void {
  const note = { meshFile: digestOf(text), id: randomId() };
  writeWhole(fileIn(stateDir), `${JSON.stringify(withFormat(FORMATS.applied, note))}\n`);
}

/**
 * As {@link noteApplied}, for a mesh that is about to start: the same text needs no other name, since the root has read
 * nothing yet.
 */
export function noteStarted(stateDir: string, { text }: Pick<MeshFile, "text">): void {
  if (readNote(stateDir)?.meshFile !== digestOf(text)) noteApplied(stateDir, { text });
}

/**
 * Names the application that has put the mesh file in force as it is now; undefined when none has. Each application has
 * another name, also of the same text: the registry may have changed. Throws `invalid-config` for a note of a later
 * version.
 */
export function appliedNow(stateDir: string, meshFile: string): string | undefined {
  const note = readNote(stateDir);
  if (note === undefined || note.meshFile !== digestOf(readFileSync(meshFile, "utf8"))) return undefined;
  return `${note.meshFile} ${note.id ?? ""}`;
}

function readNote(stateDir: string): { readonly meshFile?: unknown; readonly id?: unknown } | undefined {
  const file = fileIn(stateDir);
  if (!existsSync(file)) return undefined;
  const note = parseNote(readFileSync(file, "utf8"));
  return note === undefined ? undefined : inFormat(FORMATS.applied, note, file);
}

/** Undefined for a spoilt note: the next start or application writes another, and until then nothing is followed. */
function parseNote(text: string): object | undefined {
  try {
    const note: unknown = JSON.parse(text);
    return typeof note === "object" && note !== null ? note : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
