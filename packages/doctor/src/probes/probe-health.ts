import { ROOT_DOMAIN, type StandingProbe } from "@adaos/core/wire";
import { reportedProbes, withEach } from "@adaos/operations";
import type { Layout } from "@adaos/provision";
import { askProbes, type NodeProbes } from "@adaos/supervise";

/** A node that did not answer, and why. */
interface Away {
  readonly node: string;
  readonly reason: string;
}

interface Reported {
  readonly probes: readonly StandingProbe[];
  readonly away: readonly Away[];
}

/** The probes of a mesh. `adaos health --json` prints it unchanged. */
export interface ProbesFound {
  readonly healthy: boolean;
  readonly probes: readonly StandingProbe[];
  /** Probes that could not be started. */
  readonly problems: readonly { readonly node: string; readonly probe: string; readonly reason: string }[];
  readonly away: readonly Away[];
}

/** The program that runs the probes of a daemon, as it calls itself in its reports. */
export const DAEMON_APP = "adaos-daemon";

/** Asks the daemons of this machine's members, and the hubs for the probes of programs and of other machines. */
export async function askProbeHealth(layout: Layout, stateDir: string): Promise<ProbesFound> {
  const [asked, reported] = await Promise.all([askProbes(layout, stateDir), askHubs(layout)]);
  return probesFound(asked, reported);
}

/** Probes reported to the hubs of this machine. A hub that does not answer is in `away`. */
async function askHubs({ servers }: Layout): Promise<Reported> {
  const hubs = servers.filter(({ of }) => of !== ROOT_DOMAIN);
  const probes: StandingProbe[] = [];
  const away = await withEach(hubs, async (hub) => void probes.push(...(await reportedProbes(hub))));
  return {
    probes,
    away: away.map(({ of, reason }) => ({ node: `${of}/hub`, reason: `does not answer: ${reason}` })),
  };
}

/** A daemon that answers knows better than its hub how its probes are. Pure. */
export function probesFound(asked: readonly NodeProbes[], reported: Reported): ProbesFound {
  const answering = new Set(asked.filter(({ away }) => away === undefined).map(({ node }) => node));
  const own = asked.flatMap(({ node, probes }) => probes.map((probe) => ({ node, ...probe })));
  const others = reported.probes.filter(({ node, app }) => app !== DAEMON_APP || !answering.has(node));
  const probes = [...own, ...others];
  const problems = asked.flatMap(({ node, problems: found }) =>
    Object.entries(found).map(([probe, reason]) => ({ node, probe, reason })),
  );
  const away = [
    ...asked.flatMap((one) => (one.away === undefined ? [] : [{ node: one.node, reason: one.away }])),
    ...reported.away,
  ];
  // A probe that could not be started reports nothing, which is not healthy.
  const healthy =
    problems.length + away.length === 0 && probes.every(({ requires_alert }) => !requires_alert);
  return { healthy, probes, problems, away };
}
