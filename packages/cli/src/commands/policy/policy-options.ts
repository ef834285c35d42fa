import { resolveStateDir } from "@adaos/config";
import { type LoadedPolicy, loadPolicy } from "@adaos/policy";
import { meshFileOf } from "@adaos/provision";
import { Option } from "commander";
import type { StateOptions } from "../../options/options.ts";

/** Options of every command about a mesh file's policy. */
export interface PolicyOptions extends StateOptions {
  readonly config?: string;
}

/** `--config FILE`. */
export function configOption(): Option {
  return new Option(
    "--config <file>",
    "mesh file (default: that of the last adaos up, else deploy/mesh.yaml)",
  );
}

/** The policy that a command means. Rejects with `usage` or `invalid-config`. */
export function loadMeantPolicy({ config, state }: PolicyOptions): Promise<LoadedPolicy> {
  return loadPolicy(meshFileOf(config, resolveStateDir(state)));
}
