import { existsSync } from "node:fs";
import { MeshError } from "@adaos/core";
import { findLayout } from "./layout.ts";

const USUAL = "deploy/mesh.yaml";

/** The mesh file that is named, else that of the last start from this folder, else the usual one. Throws `usage`. */
export function meshFileOf(named: string | undefined, stateDir: string): string {
  if (named !== undefined) return named;
  const last = findLayout(stateDir)?.configFile;
  if (last !== undefined) return last;
  if (existsSync(USUAL)) return USUAL;
  throw new MeshError("usage", `no ${USUAL} here; name the file of the mesh with --config FILE`);
}
