import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type FixedPorts, layoutFile, type MeshFile } from "@adaos/config";
import { MeshError, ROOT_DOMAIN } from "@adaos/core";
import { type LoadedPolicy, policyOf } from "../policy/load-policy.ts";
import { findLayout, type Layout } from "./layout.ts";
import { prepareCertificates } from "./mesh-certificates.ts";
import { PortPicker } from "./ports.ts";
import { type Grants, type Plan, type Ports, Workshop } from "./workshop.ts";
import { writeWhole } from "./write-whole.ts";

/**
 * Writes everything a mesh on this machine is started from: keys, server configs, node files and the layout. What an
 * earlier run left (keys, ports, stores) is kept. Rejects with `invalid-config` or `unavailable`.
 */
export async function provision(meshFile: MeshFile, stateDir: string): Promise<Layout> {
  const last = lastLayout(meshFile, stateDir);
  const { rules } = await policyOf(meshFile);
  const ports = await pickPorts(meshFile.ports, last?.ports);
  const certificates = await prepareCertificates(meshFile, stateDir);
  const { layout, files } = new Workshop(
    { meshFile, rules, stateDir, ports, certificates },
    () => new Map(),
  ).plan();
  // Files of nodes that the mesh no longer has must not be left to connect with.
  rmSync(join(stateDir, "nodes"), { recursive: true, force: true });
  for (const [file, text] of files) writeWhole(file, text);
  writeWhole(layoutFile(stateDir), layoutText(layout));
  return layout;
}

/**
 * What {@link provision} would write for a mesh that has been started before, on the ports that it has. Makes keys and
 * certificates of nodes that are new, renews certificates about to end, and nothing else. Rejects with `invalid-config`.
 * @param picked Ports that a plan before this one has picked for subnets that are new.
 */
export async function planAgain(
  { meshFile, rules }: LoadedPolicy,
  stateDir: string,
  picked: Layout["ports"] = {},
): Promise<Plan> {
  const known = { ...picked, ...lastLayout(meshFile, stateDir)?.ports };
  const fixed = [...meshFile.ports].map(
    ([name, own]) => [name, { ...known[name], ...definedOf(own) }] as const,
  );
  const ports = await pickPorts(new Map(fixed));
  const certificates = await prepareCertificates(meshFile, stateDir);
  return new Workshop({ meshFile, rules, stateDir, ports, certificates }, grantsIn).plan();
}

function lastLayout({ mesh }: MeshFile, stateDir: string): Layout | undefined {
  const last = findLayout(stateDir);
  if (last === undefined || last.mesh === mesh.name) return last;
  const what = `${stateDir} holds the mesh ${last.mesh}, not ${mesh.name}`;
  throw new MeshError("invalid-config", `${what}; name another folder with --state`);
}

export function layoutText(layout: Layout): string {
  return `${JSON.stringify(layout, undefined, 2)}\n`;
}

/** The consumers that a hub has granted since its server's config was made. */
function grantsIn(configFile: string): Grants {
  const grants = new Map<string, string[]>();
  if (!existsSync(configFile)) return grants;
  for (const [, consumer = "", node = ""] of readFileSync(configFile, "utf8").matchAll(GRANT)) {
    grants.set(node, [...(grants.get(node) ?? []), consumer]);
  }
  return grants;
}

/** A member's consumer is called `<member>_<durable>`; the root's has no member. */
const GRANT = /"\$JS\.API\.CONSUMER\.INFO\.[^."]+\.(([a-z0-9-]+)_[a-z0-9-]+)"/g;

function definedOf({ port, monitorPort, leafPort }: FixedPorts): Partial<Ports> {
  return {
    ...(port === undefined ? {} : { port }),
    ...(monitorPort === undefined ? {} : { monitorPort }),
    ...(leafPort === undefined ? {} : { leafPort }),
  };
}

async function pickPorts(
  fixed: ReadonlyMap<string, FixedPorts>,
  last: Layout["ports"] = {},
): Promise<ReadonlyMap<string, Ports>> {
  const picker = new PortPicker();
  // Fixed ports first, so that no free one takes them away.
  for (const { port, monitorPort, leafPort } of fixed.values()) {
    for (const given of [port, monitorPort, leafPort]) {
      if (given !== undefined) await picker.pick(given, undefined);
    }
  }
  const ports = new Map<string, Ports>();
  for (const [name, { port, monitorPort, leafPort }] of fixed) {
    const before = last[name];
    const picked = {
      port: port ?? (await picker.pick(undefined, before?.port)),
      monitorPort: monitorPort ?? (await picker.pick(undefined, before?.monitorPort)),
    };
    const leaf =
      name === ROOT_DOMAIN ? (leafPort ?? (await picker.pick(undefined, before?.leafPort))) : undefined;
    ports.set(name, leaf === undefined ? picked : { ...picked, leafPort: leaf });
  }
  return ports;
}
