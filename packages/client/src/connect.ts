import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  assertOwnFolder,
  type LoadedNode,
  layoutFile,
  type MemberFile,
  type MeshFile,
  nodeFilePath,
  nodeId,
  nodeOfFile,
  provenRegistryBeside,
  readMeshFile,
  readNodeFile,
  readServerAccess,
  readSignatures,
  resolveStateDir,
  STATE_FOLDER,
} from "@adaos/config";
import { type BusOptions, type Logger, MeshError, Metrics, Policy, type Transport } from "@adaos/core";
import {
  type Documents,
  type FailureJournal,
  type MetricsStore,
  type NodeAddress,
  parseNodeAddress,
  RateLimits,
  replySecret,
  Signatures,
  within,
} from "@adaos/core/wire";
import { NodeFileWatch, openLog, ResilienceLog, startTelemetry } from "@adaos/daemon";
import { LiveRegistry, loadRegistry, readProof } from "@adaos/registry";
import {
  type Connection,
  NatsJournal,
  NatsMetricsStore,
  NatsTransport,
  openConnection,
} from "@adaos/transport-nats";
import { openLocalBus } from "./connect-local.ts";
import { openMarks } from "./marks/open-marks.ts";
import { MemberBus } from "./member-bus.ts";
import { assertOutboxFormat, Outbox } from "./outbox/outbox.ts";
import { OutboxTransport } from "./outbox/outbox-transport.ts";
import type { Hub } from "./outbox/outbox-transport-options.ts";
import { RefusedLog } from "./outbox/refused-log.ts";
import { RegistryFollower } from "./registry-follower.ts";

const NEEDS_AS = 'connect() needs "as", for example { as: "alpha/kitchen" }';

export interface ConnectOptions {
  /** The member to connect as, for example `alpha/kitchen`. Not needed with `config`. */
  readonly as?: string;
  /**
   * The mesh file. With `transport: local` in it, the whole mesh is inside this process and nothing needs to be
   * started. Otherwise, and without a file, the running mesh is used. @default `ADAOS_MESH`
   */
  readonly mesh?: string;
  /** State folder of the mesh. @default `ADAOS_STATE`, else `.adaos` here */
  readonly state?: string;
  /** The member's node file, for a machine without a state folder. */
  readonly config?: string;
  /** The part of `source` before `@`. @default "app" */
  readonly component?: string;
  /** @default writes warnings and errors to standard error */
  readonly log?: Logger;
  /** Whether the bus counts its operations, for `adaos events metrics`. @default the mesh file's `enable_metrics` */
  readonly metrics?: boolean;
  /**
   * Waits for a hub that is not there yet instead of rejecting after five seconds. With an outbox this resolves all the
   * same: published events wait on disk, and only `subscribe` waits for the hub. @default false
   */
  readonly waitForServer?: boolean;
  /**
   * `false`: keep nothing on disk while the hub is away; publish rejects then. @default the setting of the member's
   * file
   */
  readonly outbox?: false;
  /** Keeps the newest 1000 published events, for tests: `bus.history`. @default false */
  readonly history?: boolean;
}

/**
 * Connects as a member of a subnet. The program checks the member's rights and the events' contracts, as the server
 * does too. Rejects with MeshError `invalid-config`, `unavailable`, `denied` or `usage`.
 */
export async function connect(options: ConnectOptions): Promise<MemberBus> {
  const log = options.log ?? openLog({ level: "warn", file: undefined, base: {}, toStandardError: true });
  const file = options.mesh ?? process.env["ADAOS_MESH"];
  const meshFile = file === undefined || options.config !== undefined ? undefined : readMeshFile(file);
  if (meshFile?.transport === "local") return connectLocal(meshFile, { ...options, log });
  const node = readNodeFile(memberFile(options), "member");
  const { subnet, node: name, tracing } = node.config;
  const traced = { component: options.component ?? "app", node: `${subnet}/${name}` };
  const flushTelemetry = await startTelemetry(traced, log, tracing);
  return (await openBus(node, { ...options, log, onClosed: flushTelemetry })).bus;
}

async function connectLocal(
  meshFile: MeshFile,
  { as, log, component, metrics, history = false }: ConnectOptions & { readonly log: Logger },
): Promise<MemberBus> {
  if (as === undefined) throw new MeshError("usage", NEEDS_AS);
  const onClosed = await startTelemetry({ component: component ?? "app", node: as }, log, meshFile.tracing);
  return openLocalBus(meshFile, parseNodeAddress(as), {
    log,
    onClosed,
    counts: metrics,
    history,
    ...(component === undefined ? {} : { component }),
  });
}

/** Finds the node file, or reports what is missing: the mesh or the member. */
function memberFile({ as, state, config }: ConnectOptions): string {
  if (config !== undefined) return config;
  if (as === undefined) throw new MeshError("usage", NEEDS_AS);
  const id = nodeId(parseNodeAddress(as));
  const stateDir = resolveStateDir(state);
  assertOwnFolder(stateDir, STATE_FOLDER);
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

/** Options for opening a member's bus. */
type OpenOptions = Pick<BusOptions, "log" | "component" | "onClosed"> &
  Pick<ConnectOptions, "waitForServer" | "outbox" | "metrics" | "history"> & {
    /** Set by the node's own daemon; a program may not even have the right to write there. */
    readonly keepsNodeFile?: boolean;
    /** Called with each version of the node file that comes into force. */
    readonly onNodeFile?: (changed: MemberFile) => void;
  };

/** Longest wait for a hub, which most often is there. After it the caller gets a bus that may have no hub yet. */
const FIRST_WAIT_MS = 2000;

/** A bus, with the parts that keep its policy equal to the member's file and its registry equal to the hub's. */
export interface OpenedBus {
  readonly bus: MemberBus;
  readonly follower: RegistryFollower;
  readonly watch: NodeFileWatch<"member">;
  readonly registry: LiveRegistry;
  /** The policy in force. */
  readonly policy: Policy;
  readonly documents: Documents;
}

/** Opens the bus of a member whose node file has been read. */
export async function openBus(node: LoadedNode<MemberFile>, options: OpenOptions): Promise<OpenedBus> {
  const { config, path } = node;
  const { subnet, tenant, server } = config;
  const { log, waitForServer = false, component, onClosed } = options;
  const address: NodeAddress = { subnet, node: config.node };
  const policy = new Policy(config.policy);
  const limits = new RateLimits(`${subnet}/${config.node}`, config.limits);
  const signatures = new Signatures(readSignatures(config.signatures, path));
  const watch = watchOf(node, options, { policy, limits, signatures });
  const cacheFile = config.registryCache === undefined ? undefined : path(config.registryCache);
  const proof = cacheFile === undefined ? undefined : readProof(provenRegistryBeside(cacheFile));
  const registry = new LiveRegistry(await loadRegistry(path(config.registry), proof));
  const outbox = options.outbox === false ? undefined : config.outbox;
  const closed = new AbortController();
  const access = readServerAccess(server, path);
  const dialing = openConnection({
    ...access,
    name: `${subnet}/${config.node}`,
    user: config.node,
    log,
    waitForServer,
    ...(outbox === undefined ? {} : { signal: closed.signal }),
  });
  const follower = new RegistryFollower({
    address,
    registry,
    cacheFile,
    connection: dialing,
    log,
  });
  // The caller gets the error of an unknown key if the server reports it at once.
  await (outbox !== undefined && waitForServer ? withinFirstWait(dialing, log) : dialing);
  const hub = dialing.then((connection) => {
    const transport = new NatsTransport(connection, { address, log });
    return { transport, connection, writeBytes: () => transport.writeBytes };
  });
  const journal = dialing.then((connection) => new NatsJournal(connection, address));
  const marks = openMarks(node, dialing, log);
  for (const promise of [hub, journal]) promise.catch(() => undefined);
  await follower.start();
  const transport =
    outbox === undefined
      ? (await hub).transport
      : await openOutbox(hub, { ...outbox, dir: path(outbox.dir) }, log, () => closed.abort());
  const bus = new MemberBus({
    address,
    transport,
    ...((options.metrics ?? config.enable_metrics) ? { metrics: openMetrics(dialing, address, log) } : {}),
    journal: journalOf(journal, node.file),
    marks: marks.at,
    registry,
    tenant,
    policy,
    limits,
    signatures,
    replySecret: replySecret(access.seed()),
    log,
    history: options.history === true,
    ...(component === undefined ? {} : { component }),
    onClosed: async () => {
      await Promise.all([watch.stop(), follower.stop(), marks.close()]);
      await onClosed?.();
    },
  });
  await watch.start();
  return { bus, watch, follower, registry, policy, documents: transport.documents };
}

/** Follows the node file: policy, limits and keys change in place. */
function watchOf(
  loaded: LoadedNode<MemberFile>,
  { log, keepsNodeFile, onNodeFile }: OpenOptions,
  { policy, limits, signatures }: { policy: Policy; limits: RateLimits; signatures: Signatures },
): NodeFileWatch<"member"> {
  return new NodeFileWatch({
    role: "member",
    loaded,
    isInForce: true,
    apply: (changed) => {
      const keys = readSignatures(changed.signatures, loaded.path);
      policy.replace(changed.policy);
      limits.replace(changed.limits);
      signatures.replace(keys);
      onNodeFile?.(changed);
    },
    log,
    keepsCopy: keepsNodeFile === true,
  });
}

function openMetrics(dialing: Promise<Connection>, address: NodeAddress, log: Logger): Metrics {
  const instance = `${process.pid.toString(36)}-${randomBytes(4).toString("hex")}`;
  const store = dialing.then((connection) => new NatsMetricsStore(connection, address));
  store.catch(() => undefined);
  const later: MetricsStore = { storeMetrics: async (snapshot) => (await store).storeMetrics(snapshot) };
  return new Metrics(`${address.subnet}/${address.node}`, instance, later, log);
}

/** Resolves when `dialing` does, or when the first wait is over. Rejects if `dialing` rejects before. */
async function withinFirstWait(dialing: Promise<Connection>, log: Logger): Promise<void> {
  const connection = await within(dialing, FIRST_WAIT_MS);
  if (connection === undefined) log.warn({}, "hub not there yet; what is published waits in the outbox");
}

async function openOutbox(
  hub: Promise<Hub>,
  { dir, ...limits }: NonNullable<MemberFile["outbox"]>,
  log: Logger,
  onClose: () => void,
): Promise<Transport> {
  await assertOutboxFormat(dir);
  const outbox = new Outbox(dir, limits, log);
  await outbox.adopt();
  const refusedLog = new RefusedLog(join(dir, "refused.ndjson"));
  return new OutboxTransport({ hub, outbox, refusedLog, log, onClose });
}

/**
 * The journal of a hub that may not have been reached yet. An alert needs no hub: it goes to the log beside the
 * supervisor's.
 */
function journalOf(journal: Promise<NatsJournal>, nodeFile: string): FailureJournal {
  const state = nodeOfFile(nodeFile);
  const resilience = state === undefined ? undefined : new ResilienceLog(state.stateDir);
  return {
    alert: (alert) => resilience?.warn("handling given up", { ...alert, alert: true }),
    storeDeadLetter: async (entry) => (await journal).storeDeadLetter(entry),
    record: async (record) => (await journal).record(record),
    lastRecord: async (durable, event) => (await journal).lastRecord(durable, event),
    parking: {
      park: async (durable, seqs) => (await journal).parking.park(durable, seqs),
      parked: async (durable) => (await journal).parking.parked(durable),
      release: async (durable, event) => (await journal).parking.release(durable, event),
    },
  };
}
