import { readNodeFile } from "@adaos/config";
import { Policy, type PolicyRule } from "@adaos/core";
import { counted, messageOf, rulesOf } from "@adaos/core/wire";
import type { Hop, LoadedPolicy } from "@adaos/policy";
import { askPolicy, diffPolicies, type PolicyInquiry, type PolicyState } from "@adaos/policy";
import { findLayout, isRemote, isRemoteMember, type Layout } from "@adaos/provision";
import { isNodeRunning, notAtTheirFiles } from "./in-force.ts";

/**
 * The policy that the daemons of this machine got last, as their files contain it. A damaged file is left out. For a
 * subnet on another machine it is what the root enforces: its exports and imports.
 */
export function runningPolicy(
  { nodes }: Layout,
  say: (line: string) => void,
): PolicyState & { readonly rules: readonly PolicyRule[] } {
  const rules: PolicyRule[] = [];
  const holders = new Map<string, readonly string[]>();
  const read = (role: "hub" | "root", take: (nodeFile: string) => void): void => {
    for (const { nodeFile } of nodes.filter((node) => node.role === role)) {
      try {
        take(nodeFile);
      } catch (thrown) {
        say(`${messageOf(thrown)}; its changes cannot be shown`);
      }
    }
  };
  read("hub", (nodeFile) => {
    const { config } = readNodeFile(nodeFile, "hub");
    rules.push(...config.policy);
    holders.set(config.subnet, Object.keys(config.members));
  });
  read("root", (nodeFile) => {
    const { config } = readNodeFile(nodeFile, "root");
    for (const subnet of Object.keys(config.subnets)) {
      if (holders.has(subnet)) continue;
      rules.push(...rulesOf(config.policy, subnet));
      holders.set(subnet, []);
    }
  });
  return { policy: new Policy(rules), holders, rules };
}

/**
 * The part of a mesh file's policy that holds on this machine. For subnets on other machines: their exports and
 * imports.
 */
export function declaredHere(loaded: LoadedPolicy): PolicyState {
  const { policy, holders } = declaredPolicy(loaded);
  const { subnets } = loaded.meshFile.mesh;
  const isElsewhere = (name: string): boolean => subnets.get(name)?.remote === true;
  return {
    policy,
    holders: new Map([...holders].map(([name, members]) => [name, isElsewhere(name) ? [] : members])),
  };
}

/** The policy of a mesh file. */
export function declaredPolicy({ meshFile, policy }: LoadedPolicy): PolicyState {
  const subnets = [...meshFile.mesh.subnets.values()];
  return { policy, holders: new Map(subnets.map(({ name, members }) => [name, [...members.keys()]])) };
}

const FOLLOWS = "follows within 45 s of being up (adaos join follow there: now)";

/** The nodes on other machines, which take a change later than the nodes here. A line each. Pure. */
export function unreached({ meshFile }: Pick<LoadedPolicy, "meshFile">): string[] {
  return [...meshFile.mesh.subnets.values()].flatMap((subnet) => {
    const { name } = subnet;
    if (isRemote(subnet))
      return [
        `${name} runs on another machine: the root holds it to its exports and imports at once, its hub and members ${FOLLOWS}`,
      ];
    return [...subnet.members.values()]
      .filter(isRemoteMember)
      .map(
        (member) =>
          `${name}/${member.name} runs on another machine: its hub holds it to its rules at once, its own library ${FOLLOWS}`,
      );
  });
}

/**
 * Differences between a mesh file and the mesh that runs from a state folder. Given for the hops of a question and for
 * everything else, with the daemons that do not have their files in force. A line each; empty when none of that mesh
 * runs.
 */
export async function notInForce(
  loaded: LoadedPolicy,
  inquiry: PolicyInquiry,
  hops: readonly Hop[],
  stateDir: string,
): Promise<string[] | undefined> {
  const layout = findLayout(stateDir);
  if (layout === undefined || layout.mesh !== loaded.meshFile.mesh.name || layout.joinedTo !== undefined)
    return undefined;
  if (!layout.nodes.some(({ id }) => isNodeRunning(id, stateDir))) return undefined;
  const unread: string[] = [];
  const running = runningPolicy(layout, (line) => unread.push(line));
  const held = askPolicy({ ...loaded, policy: running.policy }, inquiry);
  const different = hops.flatMap(({ verb, who, decision }, i) => {
    const [subnet = "", node] = who.split("/");
    const isKnown = node === undefined || loaded.meshFile.mesh.subnets.get(subnet)?.remote !== true;
    const now = held[i]?.decision;
    if (!isKnown || now === undefined || now.allowed === decision.allowed) return [];
    return [`in force now: ${who} ${verb} ${now.allowed ? "allow" : "deny"} (${now.rule})`];
  });
  const changes = diffPolicies(running, declaredHere(loaded), loaded.events).length;
  const { file } = loaded.meshFile;
  const told =
    changes === 0
      ? []
      : [
          `${file} is not what is in force: adaos policy diff lists ${counted(changes, "change")}, and adaos policy apply puts it in force`,
        ];
  return [...told, ...different, ...unread, ...(await notAtTheirFiles(layout.nodes, stateDir))];
}
