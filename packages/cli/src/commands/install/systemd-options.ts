import { Option } from "commander";
import type { StateOptions } from "../../options/options.ts";

/** Options of both commands about units. */
export interface SystemdOptions extends StateOptions {
  readonly user?: boolean;
  readonly unitDir?: string;
  readonly dryRun?: boolean;
}

export function userOption(): Option {
  return new Option("--user", "units of your own systemd manager, in place of the system's");
}

export function unitDirOption(): Option {
  return new Option(
    "--unit-dir <dir>",
    "folder of the units; systemd is not told of another one than its own",
  );
}
