import { resolve } from "node:path";
import { z } from "zod";

const MAX_PATHS = 1000;

/** Paths of a member's scenarios; also in its node file. */
export const scenariosSchema = z
  .array(z.string().min(1).max(1000))
  .max(MAX_PATHS)
  .describe("scenarios that the member's daemon runs: files, their folders, or a folder of them");

/** Absolute paths. A member on another machine has its own folders: there they are relative to its node file. */
export function placedScenarios(
  paths: readonly string[] | undefined,
  dir: string,
  isRemote: boolean,
): readonly string[] | undefined {
  return isRemote ? paths : paths?.map((path) => resolve(dir, path));
}
