import { readNodeFile } from "@adaos/config";
import { messageOf, Policy, type PolicyRule } from "@adaos/core";
import type { Layout } from "../mesh/layout.ts";
import type { PolicyState } from "./diff-policy.ts";
import type { LoadedPolicy } from "./load-policy.ts";

/** The policy that the daemons of a mesh were given last: what stands in their files. One that is spoilt says nothing. */
export function runningPolicy({ nodes }: Layout, say: (line: string) => void): PolicyState {
  const rules: PolicyRule[] = [];
  const holders = new Map<string, readonly string[]>();
  for (const { role, nodeFile } of nodes) {
    if (role !== "hub") continue;
    try {
      const { config } = readNodeFile(nodeFile, "hub");
      rules.push(...config.policy);
      holders.set(config.subnet, Object.keys(config.members));
    } catch (thrown) {
      say(`${messageOf(thrown)}; what changes there cannot be told`);
    }
  }
  return { policy: new Policy(rules), holders };
}

/** The policy of a mesh file for what runs on this machine: what other machines hold cannot be told from here. */
export function declaredHere(loaded: LoadedPolicy): PolicyState {
  const { policy, holders } = declaredPolicy(loaded);
  const { subnets } = loaded.meshFile.mesh;
  return { policy, holders: new Map([...holders].filter(([name]) => subnets.get(name)?.remote !== true)) };
}

/** The policy of a mesh file. */
export function declaredPolicy({ meshFile, policy }: LoadedPolicy): PolicyState {
  const subnets = [...meshFile.mesh.subnets.values()];
  return { policy, holders: new Map(subnets.map(({ name, members }) => [name, [...members.keys()]])) };
}
