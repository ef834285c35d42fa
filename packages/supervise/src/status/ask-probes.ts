import { messageOf } from "@adaos/core/wire";
import type { ProbeHealth } from "@adaos/probes";
import type { Layout } from "@adaos/provision";
import { askStatus } from "./ask-status.ts";

/** The state of a member daemon's probes. */
export interface NodeProbes {
  readonly node: string;
  readonly probes: readonly ProbeHealth[];
  /** Probes that could not be started, by name, with the reason. */
  readonly problems: Readonly<Record<string, string>>;
  /** Why the state is unknown; absent when the daemon answers. */
  readonly away?: string;
}

/** Asks the daemons of the members on this machine. A daemon that does not answer causes no rejection. */
export async function askProbes({ nodes }: Layout, stateDir: string): Promise<readonly NodeProbes[]> {
  const members = nodes.filter(({ role }) => role === "member");
  return Promise.all(members.map(({ id }) => askMember(id, stateDir)));
}

async function askMember(node: string, stateDir: string): Promise<NodeProbes> {
  const none = { node, probes: [], problems: {} };
  try {
    const asked = await askStatus(node, stateDir);
    if (asked === undefined) return { ...none, away: "is not running" };
    const { probes = [], problems = {} } = (asked.status.parts["probes"]?.details ??
      {}) as Partial<NodeProbes>;
    return { node, probes, problems };
  } catch (thrown) {
    return { ...none, away: `does not answer: ${messageOf(thrown)}` };
  }
}
