import { readMeshFile } from "@adaos/config";
import type { Layout } from "@adaos/provision";
import type { AuditedAct } from "../audit/audit-record.ts";
import { hubServers, type OpenServer, withServers } from "../hubs.ts";
import type { TimerName } from "./ask-timers.ts";

/** The members of a subnet, on other machines too where the mesh file is here; or the one that is asked for. */
export function timerMembers(
  { nodes, configFile }: Layout,
  subnet: string,
  only: string | undefined,
): string[] {
  const here = nodes.filter(({ role }) => role === "member").map(({ id }) => id);
  const declared = configFile === undefined ? undefined : readMeshFile(configFile).mesh.subnets.get(subnet);
  const all = new Set([...here, ...[...(declared?.members.keys() ?? [])].map((node) => `${subnet}/${node}`)]);
  return [...all]
    .filter((id) => id.startsWith(`${subnet}/`) && (only ?? id) === id)
    .map((id) => id.slice(subnet.length + 1))
    .sort();
}

/** Runs `use` for each of these timers in turn, with its hub. Rejects where a hub is away, before anything is done. */
export async function eachTimer(
  layout: Layout,
  names: readonly TimerName[],
  use: (hub: OpenServer, name: TimerName) => Promise<void>,
): Promise<void> {
  const servers = subnetsOf(names).flatMap((subnet) => hubServers(layout, subnet));
  await withServers(servers, async (hub) => {
    for (const name of names) if (name.subnet === hub.of) await use(hub, name);
  });
}

/** What the audit trail has of a change of timers. Pure. */
export function timerAct(action: string, what: string, names: readonly TimerName[]): AuditedAct {
  return { action: `timer.${action}`, what, subnets: subnetsOf(names) };
}

function subnetsOf(names: readonly TimerName[]): string[] {
  return [...new Set(names.map(({ subnet }) => subnet))];
}
