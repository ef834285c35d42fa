import { type HubFile, readServerAccess } from "@adaos/config";
import type { Message } from "@adaos/core";
import type { RateLimit } from "@adaos/core/wire";
import { Denials, daemonMessage, timersStream } from "@adaos/core/wire";
import {
  NodeFileWatch,
  type OpenNode,
  OwnEvents,
  type OwnEventsOptions,
  openNode,
  type Part,
  positionFile,
} from "@adaos/daemon";
import { claimStore, storeKeyFile } from "@adaos/nats-server";
import {
  type Connection,
  DamageEvents,
  openConnection,
  type StoreDamage,
  StoreKeeper,
  StreamPublisher,
} from "@adaos/transport-nats";
import { Budgets, type BudgetsOptions } from "./budgets/budgets.ts";
import { FellowHub, type HubMeans, type HubServices } from "./cluster/fellow-hub.ts";
import { LetterEvents } from "./letters/letter-events.ts";
import { hubAlerts } from "./metrics/alerts-of-hub.ts";
import { ProbeWatch } from "./metrics/probe-watch.ts";
import { serverSource } from "./metrics/server-source.ts";
import { snapshotStream } from "./metrics/snapshot-stream.ts";
import { SubnetCounts } from "./metrics/subnet-counts.ts";
import { ParkingService } from "./parking/parking-service.ts";
import { RunKeeper } from "./runs/run-keeper.ts";
import { keysOf, ServerGrants } from "./server-grants.ts";
import { DurableService } from "./services/durable-service.ts";
import { MemberService, type MemberServiceOptions } from "./services/member-service.ts";
import { RegistryService } from "./services/registry-service.ts";
import { RequestService } from "./services/request-service.ts";
import { timersDataBytes } from "./streams/plan-streams.ts";
import { RefillService } from "./streams/refill-service.ts";
import { SubnetStream } from "./streams/subnet-stream.ts";
import { SubnetMembers } from "./subnet-members.ts";
import { TimerBook } from "./timers/timer-book.ts";
import { TimerEvents, type TimerEventsOptions } from "./timers/timer-events.ts";
import { TimerLimits } from "./timers/timer-limits.ts";
import { TimerService, type TimerServiceOptions, type TimersOfFile } from "./timers/timer-service.ts";

/** Runs the hub daemon of one subnet until it gets a signal to stop. Resolves with the exit code. */
export async function runHub(file: string): Promise<number> {
  const node = openNode(file, "hub");
  const { config, path, name } = node;
  claimStore(
    path(config.natsServer.storeDir),
    storeKeyFile(path(config.natsServer.configFile), config.natsServer),
  );
  const connection = await openConnection({ ...node.dial(), name, user: "hub" });
  const system = await openConnection({
    ...node.dial(),
    // Its own server and no other: this connection reads that server's config again.
    ...readServerAccess(
      { ...config.server, others: undefined, seedFile: config.natsServer.systemSeedFile },
      path,
    ),
    name: `${name} (system)`,
    user: "system",
  });
  try {
    return config.servers === 1
      ? await runAlone(node, connection, system)
      : await runFellow(node, connection, system);
  } finally {
    await Promise.all([connection.close(), system.close()]);
  }
}

/** The daemon of a hub of one server. */
async function runAlone(node: OpenNode<"hub">, connection: Connection, system: Connection): Promise<number> {
  const { config, loaded, log } = node;
  const hub = await openHub(node, config, { connection, system, grants: grantsOf(node, system) });
  try {
    const { parts, sources, announce } = hub;
    const apply = async (changed: HubFile): Promise<void> => {
      node.replaceRights(changed);
      await hub.apply(changed);
    };
    const watch = new NodeFileWatch({ role: "hub", loaded, isInForce: true, apply, log, keepsCopy: true });
    parts.push(watch);
    return await node.run(parts, sources, announce);
  } finally {
    await hub.close();
  }
}

/** One of several daemons of a hub, each beside its own server. */
async function runFellow(node: OpenNode<"hub">, connection: Connection, system: Connection): Promise<number> {
  const { config, loaded, log } = node;
  const grants = grantsOf(node, system);
  const fellow = new FellowHub({ node, connection, system, grants, positions: positionsOf(node), openHub });
  const apply = (changed: HubFile): Promise<void> => fellow.apply(changed);
  const watch = new NodeFileWatch({ role: "hub", loaded, isInForce: true, apply, log, keepsCopy: true });
  const server = { subnet: config.subnet, members: fellow.members, connection, system };
  return await node.run([...fellow.parts, watch], [serverSource(server), ...fellow.sources], (event) =>
    fellow.announce(event),
  );
}

async function openHub(
  node: OpenNode<"hub">,
  config: HubFile,
  { connection, system, grants }: HubMeans,
): Promise<HubServices> {
  const { policy, signatures, log } = node;
  const { subnet, streams, tenant, servers } = config;
  const jsm = await connection.nc.jetstreamManager({ checkAPI: false });
  const onDamage = (damage: StoreDamage): void => {
    damages.note(damage, refills.onDamage(damage) ? "root" : "nobody");
    if (damage.stream === timersStream(subnet)) void timers.keepAll();
  };
  const keeper = new StoreKeeper({ connection, jsm, file: positionsOf(node), onDamage, log });
  const refills = new RefillService(subnet, connection, jsm, keeper, log);
  const members = new SubnetMembers(Object.keys(config.members), servers === 1);
  const durables = new DurableService({ subnet, policy, jsm, keeper, grants, isGone: members.isGone, log });
  const kept = { members: members.names(), limits: streams, servers };
  const stream = new SubnetStream({ subnet, policy, jsm, keeper, log, ...kept });
  const publisher = new StreamPublisher(connection, { checksDuplicates: true });
  const publish = (message: Message): Promise<unknown> => publisher.publish(message);
  const about = { address: { subnet, node: "hub" }, tenant, signatures };
  const denials = new Denials({ ...about, publish, log });
  const damages = damageEventsOf(node, keeper, publish);
  const budgets = budgetsOf(node, config, { connection, jsm, grants, denials });
  const registry = new RegistryService(connection, registryCacheOf(node), log);
  const reporting: Pick<OwnEventsOptions, "publish" | "mayPublish" | "log"> = {
    publish: async (event) => publish(daemonMessage(about, event)),
    mayPublish: (name) => registry.declares(name),
    log,
  };
  const own = new OwnEvents(reporting);
  const letters = new LetterEvents({ subnet, connection, jsm, ...reporting });
  const parked = new ParkingService({ subnet, connection, jsm, grants, signatures, denials, log });
  const requests = new RequestService(subnet, policy, jsm, (subject) => durables.isAnswered(subject));
  const timers = timersOf(node, config, budgets, { connection, jsm, publisher, isGone: members.isGone });
  const service = new MemberService({
    subnet,
    connection,
    answers: answersOf({ durables, requests, registry, parked, budgets, timers }),
    restore: () => durables.restoreGrants(),
    denials,
    log,
  });
  const server = { subnet, members: members.names, connection, system };
  const runs = new RunKeeper({ subnet, isGone: members.isGone, connection, jsm, log });
  const parts: Part[] = [stream, registry, timers, runs, service, budgets, refills, damages, letters];
  const snapshots = snapshotStream(subnet, connection, jsm);
  const probes = new ProbeWatch(snapshots);
  const alerts = hubAlerts({
    node: { ...node, config },
    server,
    jsm,
    keeper,
    probes,
    parts: () => parts,
    publish,
  });
  parts.push(alerts);
  return {
    parts,
    members: service,
    serveRegistry: (request) => registry.serve(request),
    // One of several daemons tells of its server also while another serves the subnet.
    sources: [...(servers === 1 ? [serverSource(server)] : []), new SubnetCounts(snapshots, log), probes],
    // Rights are removed first, then new rights are granted. Keys and rights need only the server.
    apply: async (changed) => {
      members.replace(Object.keys(changed.members));
      grants.setKeys(keysOf(changed));
      budgets.setLimits(limitsOf(changed));
      await grants.enforce();
      await durables.restoreGrants();
      await stream.refresh(members.names());
      await timers.refresh(timersIn(changed));
      await alerts.replace(changed.alerts);
    },
    announce: (event) => own.add(event),
    close: async () => {
      denials.close();
      await own.stop();
      await Promise.all([publisher.close(), parked.close()]);
    },
  };
}

/** The services that answer members. */
interface Answering {
  readonly durables: DurableService;
  readonly requests: RequestService;
  readonly registry: RegistryService;
  readonly parked: ParkingService;
  readonly budgets: Budgets;
  readonly timers: TimerService;
}

function answersOf({
  durables,
  requests,
  registry,
  parked,
  budgets,
  timers,
}: Answering): MemberServiceOptions["answers"] {
  return {
    durable: (member, request) => durables.make(member, request),
    handlers: (member, request) => requests.handlers(member, request),
    reply: (member, request) => requests.reply(member, request),
    registry: (_member, request) => registry.serve(request),
    park: (member, request) => parked.park(member, request),
    parked: (member, request) => parked.parked(member, request),
    release: (member, request) => parked.release(member, request),
    budget: (member) => budgets.suspendedOf(member),
    timer: (member, request) => timers.ask(member, request),
  };
}

function budgetsOf(
  { log }: OpenNode<"hub">,
  config: HubFile,
  means: Pick<BudgetsOptions, "connection" | "jsm" | "grants" | "denials">,
): Budgets {
  const { subnet, streams, flood } = config;
  const askTraffic = (): ReturnType<ServerGrants["askTraffic"]> => means.grants.askTraffic();
  const budgets = new Budgets({ subnet, streams, flood, askTraffic, log, ...means });
  budgets.setLimits(limitsOf(config));
  return budgets;
}

function damageEventsOf(
  { config: { subnet, tenant }, signatures, log }: OpenNode<"hub">,
  kept: StoreKeeper,
  publish: (message: Message) => Promise<unknown>,
): DamageEvents {
  return new DamageEvents({
    node: "hub",
    audiences: () => [{ subnet, tenant }],
    signatures,
    kept,
    publish: (_subnet, message) => publish(message),
    log,
  });
}

function grantsOf({ config, path, policy }: OpenNode<"hub">, system: Connection): ServerGrants {
  const { configFile, systemSeedFile: _, hubKey: __, leafKey: ___, ...server } = config.natsServer;
  const fixed = { ...server, logFile: server.logFile, subnet: config.subnet, policy };
  const isAway = (): boolean => config.servers > 1 && !system.connected;
  return new ServerGrants(path(configFile), fixed, keysOf(config), system.nc, isAway);
}

function positionsOf({ config, path }: OpenNode<"hub">): ReturnType<typeof positionFile> {
  return positionFile(config.positions === undefined ? undefined : path(config.positions));
}

function registryCacheOf({ config, path }: OpenNode<"hub">): string | undefined {
  return config.registryCache === undefined ? undefined : path(config.registryCache);
}

function limitsOf({ members }: HubFile): Map<string, readonly RateLimit[]> {
  return new Map(Object.entries(members).map(([name, { limits }]) => [name, limits]));
}

function timersOf(
  { policy, signatures, log }: OpenNode<"hub">,
  config: HubFile,
  budgets: Budgets,
  means: Pick<TimerEventsOptions, "connection" | "jsm" | "publisher"> & Pick<TimerServiceOptions, "isGone">,
): TimerService {
  const { subnet, tenant } = config;
  const limits = new TimerLimits(subnet, (member) => budgets.suspendedOf(member));
  return new TimerService({
    subnet,
    book: new TimerBook(subnet, means.connection, means.jsm, log),
    events: new TimerEvents({ subnet, tenant, policy, signatures, limits, ...means }),
    limits,
    isGone: means.isGone,
    ...timersIn(config),
    maxDataBytes: timersDataBytes(config.streams),
    log,
  });
}

function timersIn(config: HubFile): TimersOfFile {
  const declared = Object.entries(config.members).flatMap(([node, { timers }]) =>
    timers.map((definition) => ({ node, definition })),
  );
  return { declared, members: Object.keys(config.members), rates: limitsOf(config) };
}
