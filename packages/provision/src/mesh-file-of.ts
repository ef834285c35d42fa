import { existsSync } from "node:fs";
import { MeshError } from "@adaos/core";
import { findLayout } from "./layout.ts";

const USUAL = ["mesh.yaml", "deploy/mesh.yaml"];

/** The named mesh file, else that of the last start from this folder, else one at a usual place. Throws `usage`. */
export function meshFileOf(named: string | undefined, stateDir: string): string {
  if (named !== undefined) return named;
  const last = findLayout(stateDir)?.configFile;
  if (last !== undefined) return last;
  const usual = USUAL.find((file) => existsSync(file));
  if (usual !== undefined) return usual;
  throw new MeshError(
    "usage",
    `no ${USUAL.join(" or ")} here; name the file of the mesh with --config FILE, or begin one with adaos init`,
  );
}
