import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { layoutFile, nodeId, provenRegistryFile, registryInForceFile, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import {
  type Layout,
  type NodeLayout,
  portsName,
  type ServerLayout,
  serverOf,
  serverProcesses,
  writeLayout,
} from "./layout.ts";

/** All in them is a part's own. */
const OWN_FOLDERS = ["keys", "nodes", "servers"];

/**
 * What one machine or container needs of a mesh: a server with its daemons, or one member. It is a state folder too,
 * to be mounted at the path of the state folder from which it was made, since its files name that path.
 */
export interface Part {
  /** `root`, `alpha/hub`, `alpha/kitchen`; of a cluster, a part for each server: `root-2`, `alpha/hub-2`. */
  readonly id: string;
  readonly layout: Layout;
  /** Absolute paths of files in the state folder. */
  readonly files: readonly string[];
}

/**
 * The parts of a mesh in this state folder: no part has another's keys, and none has the key of the CA.
 * @param together Ids of parts that share a machine, and so a folder: that of the first one.
 * @throws {MeshError} `invalid-config` when a file is missing, `usage` for a part that does not exist or has a folder.
 */
export function partsOf(
  layout: Layout,
  stateDir: string,
  together: readonly (readonly string[])[] = [],
): Part[] {
  const planned = new Map(plannedParts(layout).map((part) => [part.id, part]));
  return groupParts([...planned.keys()], together).map((ids) => {
    const grouped = ids.flatMap((id) => planned.get(id) ?? []);
    const servers = grouped.flatMap((part) => part.servers);
    const nodes = grouped.flatMap((part) => part.nodes);
    return partFrom(layout, stateDir, ids[0] ?? ROOT_DOMAIN, servers, nodes);
  });
}

/**
 * Ids of parts by their folders: those that share one stand together, the first of them first. Pure.
 * @throws {MeshError} `usage` for a part that does not exist, or is named twice.
 */
export function groupParts(ids: readonly string[], together: readonly (readonly string[])[]): string[][] {
  const firstOf = new Map<string, string>();
  for (const group of together) {
    for (const id of group) {
      const trouble = firstOf.has(id) ? "is named twice" : ids.includes(id) ? undefined : "does not exist";
      if (trouble !== undefined) {
        const parts = `the parts are ${ids.join(", ")}`;
        throw new MeshError("usage", `part ${JSON.stringify(id)} of --together ${trouble}; ${parts}`);
      }
      firstOf.set(id, group[0] ?? id);
    }
  }
  const folders = ids.filter((id) => (firstOf.get(id) ?? id) === id);
  return folders.map((first) => [first, ...ids.filter((id) => id !== first && firstOf.get(id) === first)]);
}

/** The servers and daemons of a part. */
type PlannedPart = Pick<Layout, "servers" | "nodes"> & { readonly id: string };

/** One for each server, and for each member. */
function plannedParts(layout: Layout): PlannedPart[] {
  const { nodes } = layout;
  return [
    ...layout.servers.flatMap(({ of }) =>
      serversApart(layout, of).map((server, i, all) => {
        const beside = daemonsOf(layout, of).filter((_, at) => at % all.length === i);
        return { id: partIdOf(server), servers: [server], nodes: beside };
      }),
    ),
    ...nodes
      .filter(({ role }) => role === "member")
      .map((node) => ({ id: node.id, servers: [], nodes: [node] })),
  ];
}

function partFrom(
  layout: Layout,
  stateDir: string,
  id: string,
  servers: readonly ServerLayout[],
  nodes: Layout["nodes"],
): Part {
  const { configFile: _file, viewer: _viewer, ...shared } = layout;
  // Commands that need the mesh file or another part send the operator to the root's machine.
  const joinedTo = new URL(serverOf(layout, ROOT_DOMAIN).url).hostname;
  const elsewhere = layout.servers.map(({ of }) => of).filter((of) => of !== ROOT_DOMAIN);
  const remote = elsewhere.filter((subnet) => servers.every(({ of }) => of !== subnet));
  return {
    id,
    layout: { ...shared, part: id, joinedTo, servers, nodes, remote: [...(layout.remote ?? []), ...remote] },
    files: filesOf({ servers, nodes }, stateDir),
  };
}

/** The servers of a cluster, each as the only one of its machine, which knows the addresses of the others. */
function serversApart({ servers }: Layout, of: string): ServerLayout[] {
  const all = serverProcesses({ servers: servers.filter((server) => server.of === of) });
  return all.map(({ others: _others, fellows: _fellows, ...server }) => {
    const others = all.flatMap(({ name, url }) => (name === server.name ? [] : [url]));
    return { ...server, ...(others.length === 0 ? {} : { others }) };
  });
}

/** The root's daemons, or a hub's, in the order of their servers. */
function daemonsOf({ nodes }: Layout, of: string): NodeLayout[] {
  return nodes.filter(({ id, role }) =>
    of === ROOT_DOMAIN ? role === "root" : role === "hub" && id.startsWith(`${of}/`),
  );
}

/** `root`, `root-2`, `alpha/hub`, `alpha/hub-2`: the first daemon beside the server. */
function partIdOf(server: ServerLayout): string {
  const name = portsName(server);
  return server.of === ROOT_DOMAIN
    ? name
    : nodeId({ subnet: server.of, node: `hub${name.slice(server.of.length)}` });
}

/**
 * Writes a part into a folder of its own, and removes what earlier versions of it had. Data of its servers and daemons
 * stay. Returns paths whose text has changed, relative to the folder. Throws `usage` when the folder has another part,
 * and `invalid-config` when a link in it leads elsewhere.
 */
export function writePart({ id, layout, files }: Part, stateDir: string, dir: string): string[] {
  assertNoLinks(
    dir,
    files.map((file) => placeOf(file, stateDir, dir)),
  );
  assertSamePart(id, layout, dir);
  const isKnown = existsSync(layoutFile(dir));
  const kept = keptFiles(layout, stateDir, dir);
  const changed: string[] = [];
  for (const file of files) {
    const place = placeOf(file, stateDir, dir);
    if (existsSync(place) && kept.has(file)) continue;
    if (isSame(file, place)) continue;
    writeWhole(place, readFileSync(file));
    changed.push(relative(dir, place));
  }
  const wanted = new Set(files.map((file) => placeOf(file, stateDir, dir)));
  // Without a layout the files may be a user's, who has named a wrong folder.
  for (const folder of isKnown ? OWN_FOLDERS : []) {
    for (const place of filesBelow(join(dir, folder))) {
      if (wanted.has(place) || isDaemons(place)) continue;
      rmSync(place);
      changed.push(relative(dir, place));
    }
  }
  // Servers log there, and do not make the folder.
  mkdirSync(join(dir, "logs"), { recursive: true, mode: 0o700 });
  // The layout last: a folder without one is not complete.
  writeLayout(dir, layout);
  return changed;
}

/**
 * A running mesh has changed these itself: the root the registry in force, a hub its server's grants. With a changed
 * node file, a daemon writes the config of its server anew.
 */
function keptFiles({ servers, nodes }: Layout, stateDir: string, dir: string): ReadonlySet<string> {
  const changed = nodes
    .filter(({ nodeFile }) => !isSame(nodeFile, placeOf(nodeFile, stateDir, dir)))
    .map(({ nodeFile }) => serverConfigOf(nodeFile));
  const configs = servers.map(({ configFile }) => configFile).filter((file) => !changed.includes(file));
  return new Set([registryInForceFile(stateDir), ...configs]);
}

/** The config of the server beside a daemon; undefined for a member. */
function serverConfigOf(nodeFile: string): string | undefined {
  const { natsServer } = JSON.parse(readFileSync(nodeFile, "utf8")) as {
    readonly natsServer?: { readonly configFile: string };
  };
  return natsServer === undefined ? undefined : resolve(dirname(nodeFile), natsServer.configFile);
}

/**
 * A container writes to its part, and whoever provisions sees them all: a link of one part must not lead to the keys of
 * another, which would be overwritten or removed.
 */
function assertNoLinks(dir: string, files: readonly string[]): void {
  const folders = [...OWN_FOLDERS, "logs"].map((folder) => join(dir, folder));
  for (const file of [...files, ...folders, layoutFile(dir)]) {
    for (let path = file; path !== dir; path = dirname(path)) {
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) continue;
      throw new MeshError("invalid-config", `${path} is a link, and a part has none; remove it`);
    }
  }
}

function assertSamePart(id: string, { mesh, nodes }: Layout, dir: string): void {
  const file = layoutFile(dir);
  if (!existsSync(file)) return;
  let there: Partial<Layout> | undefined;
  try {
    there = JSON.parse(readFileSync(file, "utf8")) as Partial<Layout>;
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${file} cannot be read; remove it and provision again`);
  }
  if (there.mesh === mesh && there.nodes?.[0]?.id === nodes[0]?.id) return;
  const what = `${there.nodes?.[0]?.id ?? "something else"} of the mesh ${there.mesh}`;
  throw new MeshError("usage", `${dir} holds ${what}, not ${id} of ${mesh}; name another folder`);
}

function placeOf(file: string, stateDir: string, dir: string): string {
  return join(dir, relative(stateDir, file));
}

function isSame(file: string, place: string): boolean {
  return existsSync(place) && readFileSync(file).equals(readFileSync(place));
}

/** The copy by which a daemon goes on when its node file is spoilt, and a file that it is just writing. */
function isDaemons(place: string): boolean {
  return place.endsWith(".last-good") || place.endsWith(".new");
}

/** Configs, node files, and every file of the state folder that these name. */
function filesOf({ servers, nodes }: Pick<Layout, "servers" | "nodes">, stateDir: string): string[] {
  const files = new Set<string>();
  for (const { configFile, seedFile, systemSeedFile } of servers)
    for (const file of [configFile, seedFile, systemSeedFile]) files.add(file);
  for (const { nodeFile } of nodes) {
    files.add(nodeFile);
    for (const text of textsIn(JSON.parse(readFileSync(nodeFile, "utf8")))) {
      for (const base of [dirname(nodeFile), join(stateDir, "servers")]) {
        const file = resolve(base, text);
        if (file.startsWith(join(stateDir, "keys") + sep)) files.add(file);
      }
    }
  }
  const isRoot = nodes.some(({ role }) => role === "root");
  for (const file of [provenRegistryFile(stateDir), ...(isRoot ? [registryInForceFile(stateDir)] : [])])
    if (existsSync(file)) files.add(file);
  const missing = [...files].find((file) => !existsSync(file));
  if (missing === undefined) return [...files];
  throw new MeshError("invalid-config", `${missing} is missing; put it there, or run adaos provision again`);
}

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null)
    for (const one of Object.values(value)) yield* textsIn(one);
}

function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
