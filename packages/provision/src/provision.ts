import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type FixedPorts, type MeshFile, provenRegistryFile, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import { type LoadedPolicy, policyOf } from "@adaos/policy";
import { proofText, readProof } from "@adaos/registry";
import { prepareCertificates } from "./certificates/mesh-certificates.ts";
import { Invitations } from "./join/invitations.ts";
import { KeyRing } from "./keys/keys.ts";
import { findLayout, type Layout, meshFileIn, writeLayout } from "./layout.ts";
import { type Grants, type HubFiles, MeshPlanner, type Plan, type Ports } from "./mesh-planner.ts";
import { PortPicker } from "./ports.ts";
import { isLocalServer, remoteKeyNames } from "./remote.ts";

/**
 * Writes everything a mesh on this machine is started from: keys, server configs, node files and the layout. What an
 * earlier run left (keys, ports, stores) is kept. Rejects with `invalid-config` or `unavailable`.
 */
export async function provision(meshFile: MeshFile, stateDir: string): Promise<Layout> {
  const last = lastLayout(meshFile, stateDir);
  const provenFile = provenRegistryFile(stateDir);
  const { rules, registry } = await policyOf(meshFile, readProof(provenFile));
  const ports = await pickPorts(localPorts(meshFile), last?.ports);
  const certificates = await prepareCertificates(meshFile, stateDir);
  const keys = new KeyRing(stateDir);
  keys.forgetJoined(remoteKeyNames(meshFile));
  const invitations = new Invitations(stateDir).open();
  const { layout, files } = new MeshPlanner(
    { meshFile, rules, stateDir, ports, certificates, keys, invitations },
    grantsKept,
  ).plan();
  for (const [file, text] of files) writeWhole(file, text);
  removeOthers(join(stateDir, "nodes"), files);
  const proof = proofText(registry);
  if (proof !== undefined) writeWhole(provenFile, proof);
  // Where servers log; they make no folder.
  mkdirSync(join(stateDir, "logs"), { recursive: true, mode: 0o700 });
  writeLayout(stateDir, layout);
  return layout;
}

/**
 * What {@link provision} would write for a mesh that has been started before, on the ports that it has. Makes keys and
 * certificates of nodes that are new, renews certificates about to end, and nothing else. Rejects with
 * `invalid-config`.
 * @param picked Ports that a plan before this one has picked for subnets that are new.
 */
export async function planAgain(
  { meshFile, rules }: LoadedPolicy,
  stateDir: string,
  picked: Layout["ports"] = {},
): Promise<Plan> {
  const known = { ...picked, ...lastLayout(meshFile, stateDir)?.ports };
  const fixed = [...localPorts(meshFile)].map(
    ([name, own]) => [name, { ...known[name], ...definedOf(own) }] as const,
  );
  const ports = await pickPorts(new Map(fixed));
  const certificates = await prepareCertificates(meshFile, stateDir);
  const keys = new KeyRing(stateDir);
  const invitations = new Invitations(stateDir).open();
  return new MeshPlanner(
    { meshFile, rules, stateDir, ports, certificates, keys, invitations },
    grantsIn,
  ).plan();
}

/**
 * Files of nodes that the mesh no longer has must not be left to connect with. The others were replaced before: a
 * program that follows its file never finds it gone.
 */
function removeOthers(dir: string, files: ReadonlyMap<string, string>): void {
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && !files.has(file)) rmSync(file, { force: true });
  }
}

/** Of the servers that run on this machine. */
function localPorts(meshFile: MeshFile): ReadonlyMap<string, FixedPorts> {
  return new Map([...meshFile.ports].filter(([name]) => isLocalServer(meshFile, name)));
}

function lastLayout({ mesh }: MeshFile, stateDir: string): Layout | undefined {
  const last = findLayout(stateDir);
  if (last !== undefined) meshFileIn(last);
  if (last === undefined || last.mesh === mesh.name) return last;
  const what = `${stateDir} holds the mesh ${last.mesh}, not ${mesh.name}`;
  throw new MeshError("invalid-config", `${what}; name another folder with --state`);
}

/**
 * What a hub had granted when it ran last, so that programs which are still there find their rights before the hub has
 * looked at every durable. Nothing where policy was another one then: a member must not get what it may no longer hear.
 */
function grantsKept({ configFile, nodeFile, policy }: HubFiles): Grants {
  return policyIn(nodeFile) === JSON.stringify(policy) ? grantsIn({ configFile }) : new Map();
}

function policyIn(nodeFile: string): string | undefined {
  try {
    return JSON.stringify((JSON.parse(readFileSync(nodeFile, "utf8")) as { policy?: unknown }).policy);
  } catch {
    // None, or one that somebody has spoilt: nothing is known of what was granted by it.
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

/** A member's consumer is called `<member>_<durable>`; the root's has no member. */
const GRANT = /"\$JS\.API\.CONSUMER\.INFO\.[^."]+\.(([a-z0-9-]+)_[a-z0-9-]+)"/g;

function definedOf({ port, leafPort }: FixedPorts): Partial<Ports> {
  return {
    ...(port === undefined ? {} : { port }),
    ...(leafPort === undefined ? {} : { leafPort }),
  };
}

/** Ports that nothing listens on, but those that are fixed, which are taken as they are. */
export async function pickPorts(
  fixed: ReadonlyMap<string, FixedPorts>,
  last: Layout["ports"] = {},
): Promise<ReadonlyMap<string, Ports>> {
  const picker = new PortPicker();
  // Fixed ports first, so that no free one takes them away.
  for (const { port, leafPort } of fixed.values()) {
    for (const given of [port, leafPort]) {
      if (given !== undefined) await picker.pick(given, undefined);
    }
  }
  const ports = new Map<string, Ports>();
  for (const [name, { port, leafPort }] of fixed) {
    const before = last[name];
    const picked = { port: port ?? (await picker.pick(undefined, before?.port)) };
    const leaf =
      name === ROOT_DOMAIN ? (leafPort ?? (await picker.pick(undefined, before?.leafPort))) : undefined;
    ports.set(name, leaf === undefined ? picked : { ...picked, leafPort: leaf });
  }
  return ports;
}
