import { Option } from "commander";

/** Options of every command about a registry folder; none of them needs a mesh. */
export interface RegistryOptions {
  readonly registry: string;
  readonly json?: boolean;
}

/** `--registry DIR`. */
export function registryOption(): Option {
  return new Option("--registry <dir>", "folder of the registry").default("schemas/events");
}
