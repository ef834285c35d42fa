import { messageOf } from "@adaos/core/wire";
import type { ProbeHealth } from "@adaos/probes";
import type { Layout } from "@adaos/provision";
import { askStatus } from "./ask-status.ts";

/** How what a member's daemon probes is. */
export interface NodeProbes {
  readonly node: string;
  readonly probes: readonly ProbeHealth[];
  /** Probes that could not be started, by name, and why. */
  readonly problems: Readonly<Record<string, string>>;
  /** Why nobody knows; nothing where the daemon answers. */
  readonly away?: string;
}

/** Asks the daemons of the members on this machine. Never rejects for one that does not answer. */
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
