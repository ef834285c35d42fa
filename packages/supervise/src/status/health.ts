import { type ConfigError, readServerAccess } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { messageOf, programText, ROOT_DOMAIN } from "@adaos/core/wire";
import type { NodeStatus } from "@adaos/daemon";
import { type ConsumerBacklog, consumerBacklogs, serverProblem, streamLeader } from "@adaos/nats-server";
import { type Layout, type ServerLayout, serverProcesses } from "@adaos/provision";
import { openConnection } from "@adaos/transport-nats";
import { isRunning, readProcessTable, SUPERVISOR, VIEWER } from "../processes/process-table.ts";
import { ANSWER_MS, askStatus } from "./ask-status.ts";
import { backlogsByName } from "./backlogs.ts";

/** One line of `adaos status`. */
export interface ComponentHealth {
  readonly kind: "supervisor" | "server" | "node" | "link";
  readonly name: string;
  readonly ready: boolean;
  /** Its address, or why it is not ready. */
  readonly note: string;
  /** Events that wait for a link or a member; absent when no server answered. */
  readonly lag?: number;
  /** Version and protocol of a daemon's program, `0.1.0/1`. Absent when it does not tell them. */
  readonly program?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface MeshHealth {
  readonly mesh: string;
  readonly ready: boolean;
  readonly components: readonly ComponentHealth[];
  /** Broken files; the last good version of each is in force. */
  readonly config: { readonly errors: readonly ConfigError[] };
}

/** The note of a server that hangs or is down. */
export const SILENT_SERVER = "does not answer";

const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** Resolves with the fault of a server. `onLeads` gets the stream that the server leads in its cluster. */
type AskServer = (server: ServerLayout, onLeads: (stream: string) => void) => Promise<string | undefined>;

/** Asks every server and daemon of a mesh for its health. One that does not answer causes no rejection. */
export async function askHealth(
  layout: Layout,
  stateDir: string,
  problemOf?: AskServer,
): Promise<MeshHealth> {
  const backlogs: ConsumerBacklog[] = [];
  const clustered = new Set(layout.servers.flatMap(({ of, fellows }) => (fellows === undefined ? [] : [of])));
  const ask: AskServer =
    problemOf ??
    ((server, onLeads) => askServer(server, backlogs, clustered.has(server.of) ? onLeads : undefined));
  const servers = serverProcesses(layout).map(async (server): Promise<ComponentHealth> => {
    const { name, url } = server;
    let leads: string | undefined;
    const problem = await ask(server, (stream) => {
      leads = `; leads ${stream}`;
    }).catch(refusalOf);
    return { kind: "server", name, ready: problem === undefined, note: problem ?? `${url}${leads ?? ""}` };
  });
  const severalRoots = layout.nodes.filter(({ role }) => role === "root").length > 1;
  const ids = [...layout.nodes.map(({ id }) => id), ...(layout.viewer === undefined ? [] : [VIEWER])];
  const nodes = ids.map((id) => askNode(id, stateDir, severalRoots));
  const supervisor = askSupervisor(stateDir);
  const asked = [
    ...(await supervisor),
    ...withQuorum(layout, await Promise.all(servers)),
    ...(await Promise.all(nodes)).flat(),
  ];
  const subnets = layout.servers.map(({ of }) => of).filter((of) => of !== ROOT_DOMAIN);
  const lags = backlogsByName(subnets, backlogs);
  const components = withPrograms(asked.map((component) => withLag(component, lags)));
  const errors = asked.flatMap(({ details = {} }) => Object.values(details).flatMap(errorsOf));
  const ready = errors.length === 0 && components.every((component) => component.ready);
  return { mesh: layout.mesh, ready, components, config: { errors } };
}

/** A cluster without most of its servers: those that run say so, and how many are needed. Pure. */
function withQuorum({ servers }: Layout, asked: readonly ComponentHealth[]): readonly ComponentHealth[] {
  const silent = new Set(asked.flatMap(({ name, note }) => (note === SILENT_SERVER ? [name] : [])));
  const told = new Map<string, string>();
  for (const server of servers) {
    const names = serverProcesses({ servers: [server] }).map(({ name }) => name);
    const needed = Math.floor(names.length / 2) + 1;
    const running = names.filter((name) => !silent.has(name));
    if (names.length === 1 || running.length >= needed) continue;
    const what = `${running.length} of ${names.length} servers of ${server.of} run, and ${needed} are needed`;
    for (const name of running) told.set(name, what);
  }
  return asked.map((component) => {
    const what = told.get(component.name);
    return what === undefined
      ? component
      : { ...component, ready: false, note: `${component.note}; ${what}` };
  });
}

function errorsOf(details: unknown): readonly ConfigError[] {
  return (details as { readonly errors?: readonly ConfigError[] }).errors ?? [];
}

/** Empty when each daemon is run by itself, without a supervisor. */
async function askSupervisor(stateDir: string): Promise<ComponentHealth[]> {
  const table = readProcessTable(stateDir);
  if (table === undefined) return [];
  if (!isRunning(table.supervisor)) {
    const note = "is not running; adaos up takes over what runs";
    return [{ kind: "supervisor", name: SUPERVISOR, ready: false, note }];
  }
  const [health] = await askNode(SUPERVISOR, stateDir, false);
  return health === undefined ? [] : [{ ...health, kind: "supervisor" }];
}

/** Notes the programs of all daemons when they are not the same everywhere. */
function withPrograms(components: readonly ComponentHealth[]): readonly ComponentHealth[] {
  const answering = components.filter(isDaemon);
  if (new Set(answering.map(({ program }) => program)).size < 2) return components;
  return components.map((component) => {
    if (!isDaemon(component)) return component;
    const told = component.program === undefined ? "of an earlier version" : component.program;
    return { ...component, note: `${component.note}; adaos ${told}` };
  });
}

/** Whether a daemon has answered there. */
function isDaemon({ kind, details }: ComponentHealth): boolean {
  return (kind === "node" || kind === "supervisor") && details !== undefined;
}

/** With several root daemons, the same events wait for each daemon's link. */
function withLag(component: ComponentHealth, lags: ReadonlyMap<string, number>): ComponentHealth {
  const lag = lags.get(component.name.replace(/ \(.*\)$/, ""));
  if (lag === undefined) return component;
  return { ...component, lag, note: lag === 0 ? component.note : `${component.note}; ${lag} waiting` };
}

/**
 * Asks for a server's health over its system account: connects, asks, disconnects.
 * @param backlogs Receives the backlogs of the server; without it they are not requested.
 * @param onLeads Called with the stream of the server's layout, if the server leads it in its cluster.
 */
export async function askServer(
  { name, url, systemSeedFile, tls, stream }: ServerLayout,
  backlogs?: ConsumerBacklog[],
  onLeads?: (stream: string) => void,
): Promise<string | undefined> {
  const system = await openConnection({
    ...readServerAccess({ url, seedFile: systemSeedFile, tls }),
    name: "adaos status",
    user: "operator",
    log: SILENT,
    timeoutMs: ANSWER_MS,
  });
  try {
    const [problem, found, leader] = await Promise.all([
      serverProblem(system.nc, ANSWER_MS),
      // A missing backlog does not make the server unhealthy.
      backlogs === undefined ? [] : consumerBacklogs(system.nc, ANSWER_MS).catch(() => []),
      onLeads === undefined ? undefined : streamLeader(system.nc, stream, ANSWER_MS).catch(() => undefined),
    ]);
    backlogs?.push(...found);
    // A hub's server calls itself hub-alpha.
    if (name === `nats-${leader?.replace(/^hub-/, "")}`) onLeads?.(stream);
    return problem;
  } finally {
    // No data is on its way any more, and a server that hangs must not delay the caller.
    await system.nc.close();
  }
}

/** The reason if the server refuses a key or certificate; otherwise it hangs or is down, which look alike. */
function refusalOf(thrown: unknown): string {
  return thrown instanceof MeshError && thrown.code !== "unavailable" ? thrown.message : SILENT_SERVER;
}

async function askNode(id: string, stateDir: string, severalRoots: boolean): Promise<ComponentHealth[]> {
  try {
    const asked = await askStatus(id, stateDir);
    if (asked === undefined) return [{ kind: "node", name: id, ready: false, note: "is not running" }];
    return componentsOf(asked.status, asked.statusUrl, severalRoots);
  } catch (thrown) {
    return [{ kind: "node", name: id, ready: false, note: `does not answer: ${messageOf(thrown)}` }];
  }
}

function programOf({ version, protocol }: NodeStatus): Pick<ComponentHealth, "program"> {
  if (version === undefined || protocol === undefined) return {};
  return { program: programText({ version, protocol }) };
}

/** Health of the node itself and, for the root, of each of its links. */
function componentsOf(status: NodeStatus, statusUrl: string, severalRoots: boolean): ComponentHealth[] {
  const parts = Object.entries(status.parts);
  const own = parts.filter(([name]) => !name.startsWith("link "));
  const unready = own
    .filter(([, { ready }]) => !ready)
    .map(([name, { reason }]) => `${name} ${reason ?? "is not ready"}`);
  const details = Object.fromEntries(own.map(([name, health]) => [name, health.details ?? {}]));
  const notes = own.flatMap(([, { note }]) => (note === undefined ? [] : [note]));
  const node: ComponentHealth = {
    kind: "node",
    name: status.node,
    ready: unready.length === 0,
    note: (unready.length === 0 ? [statusUrl, ...notes] : [...unready, ...notes]).join("; "),
    ...programOf(status),
    details,
  };
  const links = parts
    .filter(([name]) => name.startsWith("link "))
    .map(([name, health]): ComponentHealth => {
      const carried = health.details?.["carried"] ?? 0;
      // One of several root daemons serves a link. A single daemon stands by only until its first event, which is not
      // worth a note.
      const isSpare = severalRoots && health.details?.["standsBy"] === true;
      const noted = health.note === undefined ? "" : `; ${health.note}`;
      const served = `${String(carried)} carried${isSpare ? ", stands by" : ""}${noted}`;
      const note = health.ready ? served : (health.reason ?? "is not ready");
      const link = name.slice("link ".length);
      return {
        kind: "link",
        name: severalRoots ? `${link} (${status.node})` : link,
        ready: health.ready,
        note,
        details: health.details ?? {},
      };
    });
  return [node, ...links];
}
