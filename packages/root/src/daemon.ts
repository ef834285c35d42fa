import { type RootFile, readServerAccess } from "@adaos/config";
import type { Logger } from "@adaos/core";
import { type DaemonEvent, linkUser, ROOT_DOMAIN } from "@adaos/core/wire";
import {
  type MetricSource,
  NodeFileWatch,
  type OpenNode,
  openNode,
  type Part,
  positionFile,
} from "@adaos/daemon";
import { claimStore, linkKeys, linkSeed, storeKeyFile } from "@adaos/nats-server";
import { type Connection, DamageEvents, openConnection, StoreKeeper } from "@adaos/transport-nats";
import { OriginBudgets } from "./budgets/origin-budgets.ts";
import { LinkEvents } from "./events/link-events.ts";
import { SubnetEvents } from "./events/subnet-events.ts";
import { type JoinHandler, JoinService } from "./joining/join-service.ts";
import { type Admitted, LeafGate } from "./joining/leaf-gate.ts";
import { Clearance } from "./links/clearance.ts";
import { HubPrograms } from "./links/hub-programs.ts";
import { Links } from "./links/links.ts";
import { MeshStream } from "./links/mesh-stream.ts";
import { Refills } from "./links/refills.ts";
import { rootAlerts } from "./metrics/alerts-of-root.ts";
import { serverSource } from "./metrics/server-source.ts";
import { RegionLinks } from "./regions/region-links.ts";
import { keysOf, Regions } from "./regions/regions.ts";
import { RegistryDistribution } from "./registry/registry-distribution.ts";
import { RegistryFolder } from "./registry/registry-folder.ts";
import { Slots } from "./slots.ts";
import { Subnets } from "./subnets.ts";

type OpenJoinHandler = (stateDir: string, log: Logger) => JoinHandler;

/** The parts of the root's daemon, and how it applies a changed file. */
interface Root {
  /** Every part must be in this list: alerts are judged by the health of all of them. */
  readonly parts: Part[];
  readonly sources: readonly MetricSource[];
  apply(changed: RootFile): Promise<void>;
  /** Publishes an event of the root itself, in every subnet. */
  announce(event: DaemonEvent): void;
  close(): Promise<void>;
}

/**
 * Runs the root daemon until it gets a signal to stop. Resolves with the exit code.
 * @param openJoinHandler Given the state folder of a root that lets other machines join.
 */
export async function runRoot(file: string, openJoinHandler: OpenJoinHandler): Promise<number> {
  const node = openNode(file, "root");
  const connection = await openConnection({ ...node.dial(), name: node.name, user: "root" });
  const gate = await openGate(node);
  let closeEvents = async (): Promise<void> => undefined;
  try {
    const { parts, sources, apply, announce, close } = await partsOf(node, connection, gate, openJoinHandler);
    closeEvents = close;
    const { loaded, log } = node;
    const watch = new NodeFileWatch({ role: "root", loaded, isInForce: false, apply, log, keepsCopy: true });
    parts.push(watch);
    return await node.run(parts, sources, announce);
  } finally {
    await closeEvents();
    await Promise.all([connection.close(), gate?.close()]);
  }
}

async function partsOf(
  node: OpenNode<"root">,
  connection: Connection,
  gate: LeafGate | undefined,
  openJoinHandler: OpenJoinHandler,
): Promise<Root> {
  const { config, path, policy, signatures, log } = node;
  const jsm = await connection.nc.jetstreamManager({ checkAPI: false });
  const subnets = new Subnets(config);
  const regions = new Regions(config, subnets);
  const file = positionFile(config.positions === undefined ? undefined : path(config.positions));
  const keeper = new StoreKeeper({
    connection,
    jsm,
    file,
    linkPlaces: () => ({ ...stream.handedTo(), ...links.carriedTo() }),
    onDamage: (damage) => damages.note(damage, refills.onDamage(damage) ? "hubs" : "nobody"),
    log,
  });
  const refills = new Refills({ subnets: subnets.names, connection, jsm, keeper, log });
  const damages = new DamageEvents({
    node: "root",
    audiences: () => [...subnets.tenants].map(([subnet, tenant]) => ({ subnet, tenant })),
    signatures,
    kept: keeper,
    publish: (subnet, message) => links.publishIn(subnet, message),
    log,
  });
  const limits = config.streams;
  const stream = new MeshStream({
    ...{ subnets: subnets.names, regions, policy, limits, servers: config.servers, jsm, keeper, log },
  });
  const stateDir = config.stateDir === undefined ? undefined : path(config.stateDir);
  const folder = folderOf(node, stateDir);
  const share = config.streams.maxShare;
  const budgets = new OriginBudgets({ subnets: subnets.names, regions, connection, jsm, share, log });
  const programs = new HubPrograms(log);
  const clearance = clearanceOf(subnets, regions, folder);
  const regionLinks = new RegionLinks({ node, regions, clearance, connection, budgets });
  const links = new Links({
    ...{ policy, subnets, regions, signatures, clearance, connection, stream, budgets, programs, log },
    openSource: sourceOf(node, subnets),
  });
  const events = eventsOf(node, subnets, links, folder);
  const canAdmit = gate !== undefined && stateDir !== undefined;
  const joining = canAdmit ? [new JoinService(connection, gate, openJoinHandler(stateDir, log), log)] : [];
  // The registry comes before the links, which ask it for classified events.
  const registry = registryParts(node, connection, subnets, folder, programs);
  const parts: Part[] = [stream, ...registry, budgets, links, regionLinks, refills, damages, ...joining];
  const alerts = rootAlerts({
    ...{ node, subnets, connection, system: gate?.system, jsm, keeper },
    parts: () => parts,
    publish: (subnet, message) => links.publishIn(subnet, message),
  });
  parts.push(alerts);
  return {
    ...events,
    parts,
    // A daemon on another machine than the root's server may not ask that server.
    sources: gate === undefined ? [] : [serverSource(subnets.names, connection, gate.system)],
    // Rights are removed first, then new rights are granted.
    apply: async (changed) => {
      node.replaceRights(changed);
      subnets.replace(changed);
      regions.replace(changed);
      if (folder !== undefined) folder.autoApply = changed.autoApply;
      await gate?.admit(admitted(node, changed));
      const trouble = await stream.restore();
      if (trouble !== undefined) throw trouble;
      await links.reconcile();
      await regionLinks.reconcile();
      await alerts.replace(changed.alerts);
    },
  };
}

/** Publishes what the root reports about itself and its links. */
function eventsOf(
  { config, signatures, log }: OpenNode<"root">,
  subnets: Subnets,
  links: Links,
  folder: RegistryFolder | undefined,
): Pick<Root, "announce" | "close"> {
  const events = new SubnetEvents({
    subnets,
    signatures,
    mayPublish: (name) => (folder === undefined ? false : folder.declares(name)),
    publish: (subnet, message) => links.publishIn(subnet, message),
    log,
  });
  const isFirst = config.node === ROOT_DOMAIN;
  const linkEvents = new LinkEvents({
    states: () => links.reported(isFirst),
    add: (subnet, event) => events.add(subnet, event),
  });
  return {
    announce: (event) => events.addEverywhere(event, Math.round(performance.timeOrigin)),
    close: async () => {
      linkEvents.stop();
      await events.stop();
    },
  };
}

function clearanceOf(subnets: Subnets, regions: Regions, folder: RegistryFolder | undefined): Clearance {
  return new Clearance(
    subnets.clearance,
    () => folder?.classified ?? [],
    () => regions.all().map(({ clearance }) => clearance),
  );
}

function folderOf(
  { config, path, log }: OpenNode<"root">,
  stateDir: string | undefined,
): RegistryFolder | undefined {
  const { registry, autoApply } = config;
  if (registry === undefined) return undefined;
  return new RegistryFolder({ dir: path(registry), autoApply, stateDir, log });
}

function registryParts(
  { name, log }: OpenNode<"root">,
  connection: Connection,
  { names: subnets }: Subnets,
  folder: RegistryFolder | undefined,
  programs: HubPrograms,
): Part[] {
  if (folder === undefined) return [];
  const bundle = (): typeof folder.inForce => folder.inForce;
  const onProgram = programs.note.bind(programs);
  const { clocks } = programs;
  const asked = { node: name, subnets, bundle, connection, onProgram, clocks, log };
  return [folder, new RegistryDistribution(asked)];
}

/**
 * Connections that are opened at a time: a thousand at once would take longer than the time that a server gives each to
 * authenticate.
 */
const OPENED_TOGETHER = 32;
/** By so much longer do the connections of uplinks wait for a server that was away, each by chance, for each subnet. */
const SPREAD_MS = 10;

/** Opens the connection that pulls from one subnet. */
function sourceOf(
  node: OpenNode<"root">,
  subnets: Subnets,
): (subnet: string, signal: AbortSignal) => Promise<Connection> {
  const access = node.dial();
  const slots = new Slots(OPENED_TOGETHER);
  return (subnet, signal) =>
    slots.use(
      () =>
        openConnection({
          ...access,
          seed: () => linkSeed(access.seed(), subnet),
          name: `${node.name} from ${subnet}`,
          user: linkUser(subnet),
          signal,
          spreadMs: () => subnets.tenants.size * SPREAD_MS,
        }),
      signal,
    );
}

/** Undefined for a daemon on another machine than the root's server. */
async function openGate(node: OpenNode<"root">): Promise<LeafGate | undefined> {
  const { config, path, name, log } = node;
  if (config.natsServer === undefined) return undefined;
  const { configFile, systemSeedFile, rootKey: _, ...fixed } = config.natsServer;
  claimStore(path(fixed.storeDir), storeKeyFile(path(configFile), fixed));
  const system = await openConnection({
    ...node.dial(),
    // Its own server and no other: this connection reads that server's config again.
    ...readServerAccess({ ...config.server, others: undefined, seedFile: systemSeedFile }, path),
    name: `${name} (system)`,
    user: "system",
  });
  const settings = { ...fixed, logFile: fixed.logFile };
  return new LeafGate(path(configFile), settings, admitted(node, config), system, log);
}

/** Only the root daemon knows the keys with which it pulls: they are derived from its own. */
function admitted(node: OpenNode<"root">, { subnets, regions, natsServer }: RootFile): Admitted {
  return {
    rootKey: natsServer?.rootKey ?? "",
    leafKeys: new Map(Object.entries(subnets).map(([name, { leafKey }]) => [name, leafKey])),
    linkKeys: linkKeys(node.dial().seed(), Object.keys(subnets)),
    regionKeys: keysOf(regions),
  };
}
