import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  declaredTimers,
  type FixedPorts,
  type ListenAddress,
  type MeshFile,
  nodeId,
  positionsPath,
  provenRegistryFile,
  type ScrapeAddress,
  storeDir,
  writeWhole,
} from "@adaos/config";
import { MeshError } from "@adaos/core";
import { compileRegionRules, ROOT_DOMAIN } from "@adaos/core/wire";
import { assertStoreKey } from "@adaos/nats-server";
import { type LoadedPolicy, policyOf } from "@adaos/policy";
import { proofText, readProof } from "@adaos/registry";
import { prepareCertificates } from "./certificates/mesh-certificates.ts";
import { noteStarted } from "./join/applied.ts";
import { Invitations } from "./join/invitations.ts";
import { forgetJoined, Machines } from "./join/machines.ts";
import { KeyRing } from "./keys/keys.ts";
import { findLayout, type Layout, meshFileIn, writeLayout } from "./layout.ts";
import { MeshPlanner } from "./mesh-planner.ts";
import type { Grants, HubFiles, Plan } from "./plan.ts";
import type { Ports } from "./plan-servers.ts";
import { PortPicker } from "./ports.ts";
import { isLocalServer, remoteKeyNames } from "./remote.ts";

/**
 * Writes all files from which a mesh on this machine starts: keys, server configs, node files and the layout. Keys,
 * ports and stores of an earlier run are kept. Rejects with `invalid-config` or `unavailable`.
 * @param lastPorts `kept`: also ports that are taken now, since the mesh may run.
 */
export async function provision(
  meshFile: MeshFile,
  stateDir: string,
  lastPorts: "kept" | "kept if free" = "kept if free",
): Promise<Layout> {
  const last = lastLayout(meshFile, stateDir);
  const provenFile = provenRegistryFile(stateDir);
  const { rules, registry } = await policyOf(meshFile, readProof(provenFile));
  const timers = declaredTimers(meshFile, registry);
  const regionRules = compileRegionRules(meshFile.mesh, registry.events);
  assertStoreKeys(meshFile, stateDir);
  const fixed = localPorts(meshFile);
  const asked = lastPorts === "kept" ? withKnown(fixed, last?.ports) : fixed;
  const ports = await pickPorts(asked, clustersOf(meshFile), last?.ports, meshFile.hosts);
  const certificates = await prepareCertificates(meshFile, stateDir);
  const keys = new KeyRing(stateDir);
  forgetJoined(stateDir, remoteKeyNames(meshFile));
  const invitations = admittedTo(stateDir);
  const { layout, files } = new MeshPlanner(
    { meshFile, rules, timers, stateDir, ports, certificates, keys, invitations, regionRules },
    grantsKept,
  ).plan();
  for (const [file, text] of files) writeWhole(file, text);
  removeOthers(join(stateDir, "nodes"), files);
  const proof = proofText(registry);
  if (proof !== undefined) writeWhole(provenFile, proof);
  // Servers log there, and do not make the folder.
  mkdirSync(join(stateDir, "logs"), { recursive: true, mode: 0o700 });
  writeLayout(stateDir, layout);
  noteStarted(stateDir, meshFile);
  return layout;
}

/** Throws `invalid-config` when a server of this machine would not read its streams with the key of the mesh file. */
export function assertStoreKeys(meshFile: MeshFile, stateDir: string): void {
  for (const [name] of localPorts(meshFile))
    assertStoreKey(storeDir(stateDir, name), meshFile.encryptions.get(name)?.keyFile);
}

/** Public keys of all who may ask the root to join, or again for their files. */
function admittedTo(stateDir: string): ReadonlyMap<string, string> {
  return new Map([...new Machines(stateDir).open(), ...new Invitations(stateDir).open()]);
}

/**
 * The files that {@link provision} would write for a mesh that has been started before, with its ports. It only makes
 * keys and certificates of new nodes, and renews certificates about to expire. Rejects with `invalid-config`.
 * @param picked Ports that an earlier plan has picked for new subnets.
 */
export async function planAgain(
  { meshFile, rules, registry }: LoadedPolicy,
  stateDir: string,
  picked: Layout["ports"] = {},
): Promise<Plan> {
  const timers = declaredTimers(meshFile, registry);
  const regionRules = compileRegionRules(meshFile.mesh, registry.events);
  const known = { ...picked, ...lastLayout(meshFile, stateDir)?.ports };
  const ports = await pickPorts(
    withKnown(localPorts(meshFile), known),
    clustersOf(meshFile),
    {},
    meshFile.hosts,
  );
  const certificates = await prepareCertificates(meshFile, stateDir);
  const keys = new KeyRing(stateDir);
  const invitations = admittedTo(stateDir);
  return new MeshPlanner(
    { meshFile, rules, timers, stateDir, ports, certificates, keys, invitations, regionRules },
    grantsIn,
  ).plan();
}

/**
 * Removes files of removed nodes, so that no program can connect with them. The other files were replaced before: a
 * program that watches its file never finds it missing.
 */
function removeOthers(dir: string, files: ReadonlyMap<string, string>): void {
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && !files.has(file)) rmSync(file, { force: true });
  }
}

/** Fixed ports of the servers on this machine. */
export function localPorts(meshFile: MeshFile): ReadonlyMap<string, FixedPorts> {
  return new Map([...meshFile.ports].filter(([name]) => isLocalServer(meshFile, name)));
}

/** Where daemons of this machine are scraped, by node. Pure. */
export function localScrapes({ mesh, scrapes }: MeshFile): ReadonlyMap<string, ScrapeAddress> {
  return new Map(
    [...scrapes].filter(([id]) => {
      const [subnet = "", node = ""] = id.split("/");
      const found = mesh.subnets.get(subnet);
      return found?.remote !== true && found?.members.get(node)?.remote !== true;
    }),
  );
}

function lastLayout(meshFile: MeshFile, stateDir: string): Layout | undefined {
  const { mesh } = meshFile;
  const last = findLayout(stateDir);
  if (last !== undefined) meshFileIn(last);
  assertSameServers(meshFile, last, stateDir);
  if (last === undefined || last.mesh === mesh.name) return last;
  const what = `${stateDir} holds the mesh ${last.mesh}, not ${mesh.name}`;
  throw new MeshError("invalid-config", `${what}; name another folder with --state`);
}

/**
 * A cluster does not take over the streams of a single server, and a single server not those of a cluster: it would
 * remove them as belonging to nobody. Throws `invalid-config`.
 */
function assertSameServers(meshFile: MeshFile, last: Layout | undefined, stateDir: string): void {
  for (const of of [ROOT_DOMAIN, ...meshFile.mesh.subnets.keys()]) {
    // Without a layout the events are those of a backup, which are of one server.
    const before = 1 + (last?.servers.find((server) => server.of === of)?.fellows?.length ?? 0);
    const now = meshFile.serversOf(of).length;
    if (before === now || !existsSync(storeDir(stateDir, of))) continue;
    throw new MeshError(
      "invalid-config",
      `${meshFile.file} gives ${of === ROOT_DOMAIN ? "the root" : `the hub of ${of}`} ${now} servers, and ${stateDir} has the events of ${before}, which do not move: ${remedy(of, stateDir)}`,
    );
  }
}

function remedy(of: string, stateDir: string): string {
  const stores = `${join(stateDir, "store")}/${of}`;
  const positions = positionsPath(stateDir, of === ROOT_DOMAIN ? of : nodeId({ subnet: of, node: "hub" }));
  // Of a hub only these: another subnet's name may begin with this one's.
  const files =
    of === ROOT_DOMAIN
      ? `${stores}* and ${positions.replace(/\.json$/, "")}*`
      : `${stores}, ${stores}-[2-5] and ${positions.replace(/\.json$/, "")}*`;
  const ends =
    of === ROOT_DOMAIN ? "" : "all that this hub keeps ends with them, its timers and dead letters too; ";
  return `${ends}when adaos status shows nothing waiting, run adaos down, move ${files} away, and run adaos up`;
}

/** The servers of each cluster, and the root's, which take further ports. */
function clustersOf(meshFile: MeshFile): readonly (readonly string[])[] {
  return [ROOT_DOMAIN, ...meshFile.mesh.subnets.keys()].map((of) => meshFile.serversOf(of));
}

/**
 * The grants of the hub's last run, so that running programs have their rights before the hub has checked every
 * durable. None if policy has changed since: a member must not receive events that it may no longer subscribe.
 */
function grantsKept({ configFile, nodeFile, policy }: HubFiles): Grants {
  return policyIn(nodeFile) === JSON.stringify(policy) ? grantsIn({ configFile }) : new Map();
}

function policyIn(nodeFile: string): string | undefined {
  try {
    return JSON.stringify((JSON.parse(readFileSync(nodeFile, "utf8")) as { policy?: unknown }).policy);
  } catch {
    // No config, or a damaged one: its grants are unknown.
    return undefined;
  }
}

/** The consumers that a hub has granted since its server's config was made. */
function grantsIn({ configFile }: Pick<HubFiles, "configFile">): Grants {
  const grants = new Map<string, string[]>();
  if (!existsSync(configFile)) return grants;
  for (const [, consumer = "", node = ""] of readFileSync(configFile, "utf8").matchAll(GRANT)) {
    grants.set(node, [...(grants.get(node) ?? []), consumer]);
  }
  return grants;
}

/** A member's consumer is named `<member>_<durable>`; the root's has no member. */
const GRANT = /"\$JS\.API\.CONSUMER\.INFO\.[^."]+\.(([a-z0-9-]+)_[a-z0-9-]+)"/g;

/** Fixed ports, and known ones where none is fixed. */
function withKnown(
  fixed: ReadonlyMap<string, FixedPorts>,
  known: Layout["ports"] = {},
): ReadonlyMap<string, FixedPorts> {
  return new Map([...fixed].map(([name, own]) => [name, { ...known[name], ...definedOf(own) }]));
}

function definedOf({ port, leafPort, clusterPort }: FixedPorts): Partial<Ports> {
  return {
    ...(port === undefined ? {} : { port }),
    ...(leafPort === undefined ? {} : { leafPort }),
    ...(clusterPort === undefined ? {} : { clusterPort }),
  };
}

/**
 * Picks free ports; fixed ports are not checked.
 * @param clusters Names of the servers of the root and of each hub: the root's take a port for hubs, and those of a
 * cluster one for each other.
 * @param hosts Where each server listens. @default all on this machine
 */
export async function pickPorts(
  fixed: ReadonlyMap<string, FixedPorts>,
  clusters: readonly (readonly string[])[],
  last: Layout["ports"] = {},
  hosts: ReadonlyMap<string, ListenAddress> = new Map(),
): Promise<ReadonlyMap<string, Ports>> {
  const picker = new PortPicker();
  // Fixed ports first, so that no picked port is one of them.
  for (const [name, { port, leafPort, clusterPort }] of fixed) {
    for (const given of [port, leafPort, clusterPort]) {
      if (given !== undefined) picker.claim(given, hosts.get(name)?.host);
    }
  }
  const ports = new Map<string, Ports>();
  for (const [name, { port, leafPort, clusterPort }] of fixed) {
    const before = last[name];
    const pick = (given: number | undefined, earlier: number | undefined): number | Promise<number> =>
      given ?? picker.pick(earlier);
    const cluster = clusters.find((names) => names.includes(name)) ?? [name];
    const picked = { port: await pick(port, before?.port) };
    const leaf = cluster[0] === ROOT_DOMAIN ? { leafPort: await pick(leafPort, before?.leafPort) } : {};
    const others = cluster.length === 1 ? {} : { clusterPort: await pick(clusterPort, before?.clusterPort) };
    ports.set(name, { ...picked, ...leaf, ...others });
  }
  return ports;
}
