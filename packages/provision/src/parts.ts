import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { layoutFile, nodeId, provenRegistryFile, registryInForceFile, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import { type Layout, serverOf, whose, writeLayout } from "./layout.ts";

/** All in them is a part's own. */
const OWN_FOLDERS = ["keys", "nodes", "servers"];

/**
 * What one machine or container needs of a mesh: a server with its daemons, or one member. It is a state folder too,
 * to be mounted at the path of the state folder from which it was made, since its files name that path.
 */
export interface Part {
  /** `root`, `alpha/hub`, `alpha/kitchen`. */
  readonly id: string;
  readonly layout: Layout;
  /** Absolute paths of files in the state folder. */
  readonly files: readonly string[];
}

/**
 * The parts of a mesh in this state folder: no part has another's keys, and none has the key of the CA. Throws
 * `invalid-config` when a file is missing.
 */
export function partsOf(layout: Layout, stateDir: string): Part[] {
  // Commands that need the mesh file or another part send the operator to the root's machine.
  const joinedTo = new URL(serverOf(layout, ROOT_DOMAIN).url).hostname;
  const cluster = layout.servers.find(({ fellows }) => fellows !== undefined);
  if (cluster !== undefined)
    throw new MeshError(
      "usage",
      `${whose(cluster)} has several servers, of which no parts can be made; use servers: 1`,
    );
  const subnets = new Set(layout.servers.flatMap(({ of }) => (of === ROOT_DOMAIN ? [] : [of])));
  const part = (id: string, of: string | undefined, isIn: (node: string) => boolean): Part => {
    const servers = layout.servers.filter((server) => server.of === of);
    const nodes = layout.nodes.filter((node) => isIn(node.id));
    const { configFile: _file, viewer: _viewer, ...shared } = layout;
    const remote = [...subnets].filter((subnet) => subnet !== of);
    return {
      id,
      layout: { ...shared, joinedTo, servers, nodes, remote: [...(layout.remote ?? []), ...remote] },
      files: filesOf({ servers, nodes }, stateDir),
    };
  };
  const roots = new Set(layout.nodes.flatMap(({ id, role }) => (role === "root" ? [id] : [])));
  return [
    part(ROOT_DOMAIN, ROOT_DOMAIN, (id) => roots.has(id)),
    ...[...subnets].map((subnet) => {
      const hub = nodeId({ subnet, node: "hub" });
      return part(hub, subnet, (id) => id === hub);
    }),
    ...layout.nodes
      .filter(({ role }) => role === "member")
      .map(({ id }) => part(id, undefined, (node) => node === id)),
  ];
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
  const isSameNode = layout.nodes.every(({ nodeFile }) => isSame(nodeFile, placeOf(nodeFile, stateDir, dir)));
  const changed: string[] = [];
  for (const file of files) {
    const place = placeOf(file, stateDir, dir);
    if (existsSync(place) && isKept(file, layout, stateDir, isSameNode)) continue;
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

/** A running mesh has changed these itself: a hub its server's grants, the root the registry in force. */
function isKept(file: string, { servers }: Layout, stateDir: string, isSameNode: boolean): boolean {
  if (file === registryInForceFile(stateDir)) return true;
  return isSameNode && servers.some(({ configFile }) => configFile === file);
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
