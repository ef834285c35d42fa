import { Option } from "commander";

/** `--state DIR`, of every command that talks to a mesh. */
export function stateOption(): Option {
  return new Option("--state <dir>", "folder with the mesh's state").env("ADAOS_STATE").default(".adaos");
}

/** `--json`, of every command that prints something. */
export function jsonOption(): Option {
  return new Option("--json", "print JSON");
}

/** Options of a command with nothing but these. */
export interface StateOptions {
  readonly state: string;
  readonly json?: boolean;
}
