import { MeshError } from "@adaos/core";
import type { FileRegistry } from "@adaos/registry";
import { DIST_INDEX, DIST_TYPES } from "@adaos/registry";
import { generateIndex } from "./generate-index.ts";
import { generateTypes } from "./generate-types.ts";

/** The generated files of a registry by their path below its folder. */
export interface Dist {
  readonly files: ReadonlyMap<string, string>;
  /** The reason for missing types: their compiler is a development dependency. */
  readonly typesProblem: string | undefined;
}

/** Generates the files of a registry in memory. */
export async function makeDist(registry: FileRegistry): Promise<Dist> {
  const files = new Map([[DIST_INDEX, generateIndex(registry)]]);
  try {
    files.set(DIST_TYPES, await generateTypes(registry));
    return { files, typesProblem: undefined };
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "usage")
      return { files, typesProblem: thrown.message };
    throw thrown;
  }
}
