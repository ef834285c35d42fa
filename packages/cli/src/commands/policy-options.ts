import { resolveStateDir } from "@adaos/config";
import { Option } from "commander";
import { meshFileOf } from "../mesh/mesh-file-of.ts";
import type { StateOptions } from "../options.ts";
import { type LoadedPolicy, loadPolicy } from "../policy/load-policy.ts";

/** Options of every command about a mesh file's policy. */
export interface PolicyOptions extends StateOptions {
  readonly config?: string;
}

/** `--config FILE`. */
export function configOption(): Option {
  return new Option(
    "--config <file>",
    "mesh file (default: the one of the last adaos up, else deploy/mesh.yaml)",
  );
}

/** The policy that a command means. Rejects with `usage` or `invalid-config`. */
export function loadMeantPolicy({ config, state }: PolicyOptions): Promise<LoadedPolicy> {
  return loadPolicy(meshFileOf(config, resolveStateDir(state)));
}
