import { basename } from "node:path";
import { readNodeFile, readServerAccess } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { certificateFigures, certificatesOf, type NodeStatus } from "@adaos/daemon";
import { askVarz } from "@adaos/nats-server";
import { type Layout, type NodeLayout, type ServerLayout, serverProcesses } from "@adaos/provision";
import { openConnection } from "@adaos/transport-nats";
import { ANSWER_MS, askStatus } from "../status/ask-status.ts";

/** A daemon of this machine, in detail. */
export interface NodeDescription {
  readonly id: string;
  /** Why the daemon does not answer. */
  readonly away?: string;
  readonly status_url?: string;
  readonly pid?: number;
  /** RFC 3339. */
  readonly started_at?: string;
  readonly parts: readonly {
    readonly name: string;
    readonly ready: boolean;
    readonly note: string;
    readonly details: Readonly<Record<string, unknown>>;
  }[];
  readonly certificates: readonly { readonly name: string; readonly ends: string }[];
  readonly server?: ServerDescription;
}

/** The nats-server beside a daemon. */
export interface ServerDescription {
  readonly name: string;
  readonly url: string;
  /** Why it does not answer. */
  readonly away?: string;
  readonly version?: string;
  readonly started_at?: string;
  readonly connections?: number;
  readonly leaves?: number;
  readonly memory_bytes?: number;
}

/** Asks a daemon of this machine, and the server beside it. Rejects with `usage` for a daemon of another machine. */
export async function describeNode(layout: Layout, stateDir: string, id: string): Promise<NodeDescription> {
  const node = layout.nodes.find((one) => one.id === id);
  if (node === undefined) throw new MeshError("usage", `no daemon ${JSON.stringify(id)} is on this machine`);
  const of = node.role === "root" ? "root" : node.role === "hub" ? id.split("/")[0] : undefined;
  // `alpha/hub-2` is beside `nats-alpha-2`.
  const server = node.role === "root" ? id : id.replace("/hub", "");
  // Several root daemons may share a server: those beyond the number of servers are described with the first.
  const beside =
    serverProcesses(layout).find(({ name }) => node.role !== "member" && name === `nats-${server}`) ??
    layout.servers.find((one) => one.of === of);
  const [status, certificates, described] = await Promise.all([
    statusOf(id, stateDir),
    certificateEnds(node),
    beside === undefined ? undefined : describeServer(beside),
  ]);
  return { id, ...status, certificates, ...(described === undefined ? {} : { server: described }) };
}

async function statusOf(
  id: string,
  stateDir: string,
): Promise<Pick<NodeDescription, "away" | "status_url" | "pid" | "started_at" | "parts">> {
  try {
    const asked = await askStatus(id, stateDir);
    if (asked === undefined) return { away: "is not running", parts: [] };
    const { status, statusUrl } = asked;
    return { status_url: statusUrl, pid: status.pid, started_at: status.startedAt, parts: partsOf(status) };
  } catch (thrown) {
    return { away: `does not answer: ${messageOf(thrown)}`, parts: [] };
  }
}

/** Links are parts of the root; a map shows them by themselves. Pure. */
function partsOf({ parts }: NodeStatus): NodeDescription["parts"] {
  return Object.entries(parts)
    .filter(([name]) => !name.startsWith("link "))
    .map(([name, { ready, reason, note, details = {} }]) => {
      return { name, ready, note: (ready ? note : reason) ?? "", details };
    });
}

async function certificateEnds({ nodeFile, role }: NodeLayout): Promise<NodeDescription["certificates"]> {
  try {
    const { config, path } = readNodeFile(nodeFile, role);
    const figures = await certificateFigures(certificatesOf(config).map(path));
    return figures.map(({ labels = [], value }) => {
      return { name: basename(labels[0] ?? ""), ends: new Date(value * 1000).toISOString() };
    });
  } catch {
    // A broken file is among the errors of the map.
    return [];
  }
}

async function describeServer({ name, url, systemSeedFile, tls }: ServerLayout): Promise<ServerDescription> {
  const silent = (): void => undefined;
  try {
    const system = await openConnection({
      ...readServerAccess({ url, seedFile: systemSeedFile, tls }),
      name: "adaos status",
      user: "operator",
      log: { debug: silent, info: silent, warn: silent, error: silent },
      timeoutMs: ANSWER_MS,
    });
    try {
      const { version, start, connections, leafnodes = 0, mem } = await askVarz(system.nc, ANSWER_MS);
      return { name, url, version, started_at: start, connections, leaves: leafnodes, memory_bytes: mem };
    } finally {
      // A server that hangs must not delay the caller.
      await system.nc.close();
    }
  } catch (thrown) {
    return { name, url, away: messageOf(thrown) };
  }
}
