import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "@adaos/config";
import { FORMATS, inFormat, withFormat } from "@adaos/core/wire";

const fileIn = (stateDir: string): string => join(stateDir, "applied.json");

/** Notes that the mesh file, as it is now, is in force: joined machines follow what is in force only. */
export function noteApplied(stateDir: string, meshFile: string): void {
  const text = `${JSON.stringify(withFormat(FORMATS.applied, { meshFile: digestOf(meshFile) }))}\n`;
  writeWhole(fileIn(stateDir), text);
}

/** Whether the mesh file is in force as it is now. Throws `invalid-config` for a note of a later version. */
export function isApplied(stateDir: string, meshFile: string): boolean {
  const file = fileIn(stateDir);
  if (!existsSync(file)) return false;
  const { meshFile: digest } = inFormat(FORMATS.applied, JSON.parse(readFileSync(file, "utf8")), file);
  return digest === digestOf(meshFile);
}

function digestOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
