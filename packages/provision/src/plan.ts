import type { compiledPolicyText } from "@adaos/config";
import type { Layout } from "./layout.ts";

/** Everything a mesh on this machine is started from, by file. */
export interface Plan {
  readonly layout: Layout;
  /** Text of each server config and each node file, by its path. */
  readonly files: ReadonlyMap<string, string>;
  /** Names of keys whose seeds are on other machines. */
  readonly remoteKeys: ReadonlySet<string>;
}

/** Consumers by member. */
export type Grants = ReadonlyMap<string, readonly string[]>;

/** Paths of a hub's files, and the policy that they will have. */
export interface HubFiles {
  readonly configFile: string;
  readonly nodeFile: string;
  readonly policy: ReturnType<typeof compiledPolicyText>;
}
