import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  assertOwnFolder,
  type ClientTls,
  lastGoodFile,
  layoutFile,
  STATE_FOLDER,
  storeDir,
  type ViewerSettings,
  writeWhole,
} from "@adaos/config";
import { MeshError } from "@adaos/core";
import { FORMATS, inFormat, isNewer, ROOT_DOMAIN, withFormat } from "@adaos/core/wire";

/** Of the names of servers: `nats-root`. Their stores have the rest. */
const SERVER_PREFIX = "nats-";

/** One nats-server of a mesh on this machine. */
export interface ServerLayout {
  /** `nats-root`, `nats-alpha`. */
  readonly name: string;
  /** The subnet, or `root`. */
  readonly of: string;
  readonly url: string;
  readonly configFile: string;
  /** Seed of the daemon beside the server, which may read every stream on it. */
  readonly seedFile: string;
  /** Seed of the server's system account, for questions about its health. */
  readonly systemSeedFile: string;
  /** Key with which the server encrypts its streams. */
  readonly storeKeyFile?: string;
  /** Also for that daemon. */
  readonly tls?: ClientTls;
  readonly stream: string;
  /** Of a cluster: addresses of its further servers, which keep the same streams. */
  readonly others?: readonly string[];
  /** Of a cluster: its further servers. Whoever reads streams asks one of them all. */
  readonly fellows?: readonly ServerLayout[];
}

/** One daemon. */
export interface NodeLayout {
  /** `root`, `alpha/hub`, `alpha/kitchen`. */
  readonly id: string;
  readonly role: "root" | "hub" | "member";
  readonly nodeFile: string;
}

/** Servers and daemons of this machine: `mesh.json` in the state folder. */
export interface Layout {
  readonly mesh: string;
  /** Undefined in a folder that has joined another machine's mesh: the mesh file is on that machine. */
  readonly configFile?: string;
  /** The root by which this folder was filled. */
  readonly joinedTo?: string;
  /** Of a folder that `adaos provision --parts` has written: the part's id. */
  readonly part?: string;
  readonly registryDir: string;
  readonly ports: Readonly<
    Record<string, { readonly port: number; readonly leafPort?: number; readonly clusterPort?: number }>
  >;
  readonly servers: readonly ServerLayout[];
  readonly nodes: readonly NodeLayout[];
  /** Whether `adaos chaos` may inject faults. */
  readonly chaos?: "allowed";
  /** Where servers and daemons log; undefined: to files of the state folder. */
  readonly logs?: "output";
  /** The viewer that runs with this mesh. */
  readonly viewer?: ViewerSettings;
  /** Subnets whose hubs run on other machines. */
  readonly remote?: readonly string[];
}

/** The mesh file of a mesh that was started from its state folder. Throws `usage` when it is on another machine. */
export function meshFileIn({ configFile, joinedTo, mesh, part }: Layout): string {
  if (configFile !== undefined) return configFile;
  if (part !== undefined)
    throw new MeshError(
      "usage",
      `this folder is the part ${part} of the mesh ${mesh}; its mesh file is where adaos provision was run`,
    );
  throw new MeshError("usage", `this folder has joined the mesh of ${joinedTo}; its mesh file is there`);
}

/** The layout of a state folder; undefined when no mesh was ever started from it. Throws the system's error. */
export function findLayout(stateDir: string): Layout | undefined {
  assertOwnFolder(stateDir, STATE_FOLDER);
  const file = layoutFile(stateDir);
  // Throws where this user may not look: it would be misleading to tell him that there is no mesh.
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
  return inFormat(FORMATS.layout, readSound(file), file) as unknown as Layout;
}

/** The file, or the copy of its last good version. Throws `invalid-config`. */
function readSound(file: string): object {
  try {
    return readOne(file);
  } catch (cause) {
    try {
      return readOne(lastGoodFile(file));
    } catch {
      throw MeshError.from(cause, "invalid-config", `${file} cannot be read; remove it and run adaos up`);
    }
  }
}

/** Writes it, and a copy by which a mesh goes on when a disk has spoilt the file. Throws the system's error. */
export function writeLayout(stateDir: string, layout: Layout): void {
  const file = layoutFile(stateDir);
  const text = `${JSON.stringify(withFormat(FORMATS.layout, layout), undefined, 2)}\n`;
  writeWhole(file, text);
  writeWhole(lastGoodFile(file), text);
}

/** Puts the copy in the place of a layout that is spoilt. Throws the system's error. */
export function restoreLayout(stateDir: string): void {
  const file = layoutFile(stateDir);
  // Who removes it wants another mesh.
  if (!existsSync(file)) return;
  try {
    readOne(file);
  } catch {
    writeWhole(file, readFileSync(lastGoodFile(file), "utf8"));
  }
}

function readOne(file: string): object {
  // Written by us and owned by the user: of its shape only this is checked again.
  const layout = JSON.parse(readFileSync(file, "utf8")) as Layout | null;
  // One of a later version is not damaged, and must not be replaced by a copy.
  if (layout !== null && isNewer(FORMATS.layout, layout)) return layout;
  if (Array.isArray(layout?.servers) && Array.isArray(layout.nodes)) return layout;
  throw new MeshError("invalid-config", "it lists no servers and nodes");
}

/** As {@link findLayout}. Throws `unavailable` when there is none. */
export function readLayout(stateDir: string): Layout {
  const layout = findLayout(stateDir);
  if (layout !== undefined) return layout;
  throw new MeshError(
    "unavailable",
    `no mesh in ${stateDir}; start one with adaos up, or name its folder with --state`,
  );
}

/** Every server that runs on this machine, one for each process. Pure. */
export function serverProcesses({ servers }: Pick<Layout, "servers">): ServerLayout[] {
  return servers.flatMap((server) => [server, ...(server.fellows ?? [])]);
}

/** Names the owner of a server, for messages. Pure. */
export function whose({ of }: Pick<ServerLayout, "of">): string {
  return of === ROOT_DOMAIN ? "the root" : `the hub of ${of}`;
}

/** Name of a server in `ports`, as in the mesh file: `root-2`. Pure. */
export function portsName({ name }: Pick<ServerLayout, "name">): string {
  return name.slice(SERVER_PREFIX.length);
}

/** Folder of the streams of one server. Pure. */
export function storeDirOf(stateDir: string, server: Pick<ServerLayout, "name">): string {
  return storeDir(stateDir, portsName(server));
}

/** The server of a subnet or of the root. Throws `usage` with the names there are. */
export function serverOf(layout: Layout, name: string): ServerLayout {
  const server = layout.servers.find(({ of }) => of === name);
  if (server !== undefined) return server;
  throw noServer(layout, name, layout.servers);
}

/**
 * The error for a server that is not in the layout: the subnet is on another machine, or does not exist.
 * @param name Undefined: any server.
 */
export function noServer(
  { nodes, joinedTo, remote = [] }: Layout,
  name: string | undefined,
  servers: readonly ServerLayout[],
): MeshError {
  if (name === ROOT_DOMAIN && joinedTo !== undefined)
    return new MeshError("usage", `the root is on another machine (${joinedTo}); run this there`);
  const isElsewhere =
    name !== undefined && (remote.includes(name) || nodes.some(({ id }) => id.startsWith(`${name}/`)));
  if (isElsewhere) return new MeshError("usage", `the hub of ${name} is on another machine; run this there`);
  if (servers.length === 0) {
    const subnets = new Set(nodes.flatMap(({ id }) => (id.includes("/") ? [id.split("/", 1)[0]] : [])));
    const whose = [...subnets, ...remote].map((subnet) => ` of ${subnet}`).join(" and");
    return new MeshError(
      "usage",
      `no hub is on this machine: the hub${whose} is on another one; run this there`,
    );
  }
  const known = servers.map(({ of }) => of).join(", ");
  return new MeshError("usage", `no subnet ${JSON.stringify(name)} in this mesh; there are ${known}`);
}

/** File of the supervisor's processes, for `adaos down`. */
export function processesFile(stateDir: string): string {
  return join(stateDir, "run", "processes.json");
}
