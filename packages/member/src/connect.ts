import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import {
  type LoadedNode,
  layoutFile,
  type MemberFile,
  type MeshFile,
  nodeFilePath,
  nodeId,
  readMeshFile,
  readNodeFile,
  readSeed,
  resolveStateDir,
} from "@adaos/config";
import {
  Bus,
  type BusOptions,
  type Logger,
  type Member,
  MeshError,
  Metrics,
  memberRules,
  type NodeAddress,
  Policy,
  parseNodeAddress,
} from "@adaos/core";
import { openLog, startTelemetry } from "@adaos/daemon";
import { loadRegistry } from "@adaos/registry";
import {
  type Connection,
  NatsIdempotencyStore,
  NatsJournal,
  NatsMetricsStore,
  NatsTransport,
  openConnection,
} from "@adaos/transport-nats";
import { openLocalBus } from "./connect-local.ts";

const NEEDS_AS = 'connect() needs "as", for example { as: "alpha/kitchen" }';

export interface ConnectOptions {
  /** Which member to be, for example `alpha/kitchen`. Not needed with `config`. */
  readonly as?: string;
  /**
   * The mesh file. Where it says `transport: local`, the mesh is all within this process and nothing needs to be started;
   * else the running mesh is meant, as without it. @default `ADAOS_MESH`
   */
  readonly mesh?: string;
  /** State folder of the mesh. @default `ADAOS_STATE`, else `.adaos` here */
  readonly state?: string;
  /** The member's node file, for a machine that holds no state folder. */
  readonly config?: string;
  /** The part of `source` before `@`. @default "app" */
  readonly component?: string;
  /** @default warnings and errors to standard error */
  readonly log?: Logger;
  /** Whether what the bus does is counted, for `adaos events metrics`. @default as the mesh file says (`enable_metrics`) */
  readonly metrics?: boolean;
  /** Wait for a hub that is not there yet instead of rejecting after five seconds. @default false */
  readonly waitForServer?: boolean;
}

/**
 * Connects as a member of a subnet. The member's rights and the events' contracts are checked here as well as on the
 * server. Rejects with MeshError `invalid-config`, `unavailable`, `denied` or `usage`.
 */
export async function connect(options: ConnectOptions): Promise<Bus> {
  const log = options.log ?? openLog({ level: "warn", file: undefined, base: {}, toStandardError: true });
  const file = options.mesh ?? process.env["ADAOS_MESH"];
  const meshFile = file === undefined || options.config !== undefined ? undefined : readMeshFile(file);
  if (meshFile?.transport === "local") return connectLocal(meshFile, { ...options, log });
  const node = readNodeFile(memberFile(options), "member");
  const flushTelemetry = await startTelemetry(`adaos-${options.component ?? "app"}`, log);
  return openBus(node, { ...options, log, onClosed: flushTelemetry });
}

async function connectLocal(
  meshFile: MeshFile,
  { as, log, component }: ConnectOptions & { readonly log: Logger },
): Promise<Bus> {
  if (as === undefined) throw new MeshError("usage", NEEDS_AS);
  const onClosed = await startTelemetry(`adaos-${component ?? "app"}`, log);
  return openLocalBus(meshFile, parseNodeAddress(as), {
    log,
    onClosed,
    ...(component === undefined ? {} : { component }),
  });
}

/** Finds the node file, or says what is missing: the mesh or the member. */
function memberFile({ as, state, config }: ConnectOptions): string {
  if (config !== undefined) return config;
  if (as === undefined) throw new MeshError("usage", NEEDS_AS);
  const id = nodeId(parseNodeAddress(as));
  const stateDir = resolveStateDir(state);
  if (!existsSync(layoutFile(stateDir))) {
    throw new MeshError(
      "unavailable",
      `no mesh in ${stateDir}; start one with adaos up, or name its folder (state)`,
    );
  }
  const file = nodeFilePath(stateDir, id);
  if (!existsSync(file)) throw new MeshError("usage", `the mesh in ${stateDir} has no member ${id}`);
  return file;
}

/** How a member's bus is opened. */
type OpenOptions = Pick<BusOptions, "log" | "component" | "onClosed"> &
  Pick<ConnectOptions, "waitForServer" | "metrics">;

/** The bus of a member whose node file is read. */
export async function openBus({ config, path }: LoadedNode<MemberFile>, options: OpenOptions): Promise<Bus> {
  const { subnet, node, publish, subscribe, server } = config;
  const { log, waitForServer, component, onClosed } = options;
  const registry = await loadRegistry(path(config.registry));
  const member: Member = { name: node, publish, subscribe };
  const rules = memberRules({ name: subnet, exports: [], imports: [], members: new Map([[node, member]]) });
  const connection = await openConnection({
    url: server.url,
    name: `${subnet}/${node}`,
    user: node,
    seed: readSeed(path(server.seedFile)),
    log,
    ...(waitForServer === undefined ? {} : { waitForServer }),
  });
  const address = { subnet, node };
  return new Bus({
    address,
    ...((options.metrics ?? config.enable_metrics) ? { metrics: openMetrics(connection, address, log) } : {}),
    transport: new NatsTransport(connection, { address, log }),
    journal: new NatsJournal(connection, address),
    idempotency: new NatsIdempotencyStore(connection, address),
    registry,
    policy: new Policy(rules),
    log,
    ...(component === undefined ? {} : { component }),
    ...(onClosed === undefined ? {} : { onClosed }),
  });
}

function openMetrics(connection: Connection, address: NodeAddress, log: Logger): Metrics {
  const instance = `${process.pid.toString(36)}-${randomBytes(4).toString("hex")}`;
  const store = new NatsMetricsStore(connection, address);
  return new Metrics(`${address.subnet}/${address.node}`, instance, store, log);
}
