import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { hubNodeIds, type MeshFile, nodeId, rootNodeIds } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import { policyOf } from "@adaos/policy";
import { findLayout, groupParts, type Layout, partsOf, provision, writePart } from "@adaos/provision";
import { whileLocked } from "./apply/change-lock.ts";
import { readRunnableMesh } from "./local-mesh.ts";
import { runningSupervisor } from "./processes/process-table.ts";
import { beginRegistry } from "./registry-in-force.ts";

/** The result of provisioning. */
export interface Provisioned {
  readonly mesh: string;
  /** Ids of the nodes of this state folder. */
  readonly nodes: readonly string[];
  /** Nodes that the last run did not have, and nodes that only the last run had. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Addresses by which servers are dialled, by subnet and for the root. Empty after a dry run. */
  readonly servers: Readonly<Record<string, string>>;
  /** Changed files of the state folder, relative to it. Empty after a dry run. */
  readonly changed: readonly string[];
  /** Folders of parts with their changed files. */
  readonly parts: readonly {
    readonly id: string;
    /** Ids of its daemons. */
    readonly nodes: readonly string[];
    readonly dir: string;
    readonly changed: readonly string[];
  }[];
}

export interface ProvisionOptions {
  readonly stateDir: string;
  /** Folder for a folder of each part. */
  readonly partsDir?: string | undefined;
  /** Ids of parts that share a machine, and so a folder. @default each has its own */
  readonly together?: readonly (readonly string[])[] | undefined;
  /** Reads and checks only. */
  readonly dryRun: boolean;
}

/** Folders with the files of a mesh; the others hold what a mesh has written while it ran. */
const OWN_FOLDERS = ["keys", "nodes", "servers"];

/**
 * Writes the files of a mesh from its mesh file, and starts nothing. Keys, ports and certificates of an earlier run
 * stay. Rejects with `invalid-config`, or `usage` while the mesh runs from this folder.
 */
export async function provisionMesh(configFile: string, options: ProvisionOptions): Promise<Provisioned> {
  const { stateDir, dryRun, together = [] } = options;
  const meshFile = readRunnableMesh(configFile, stateDir);
  const partsDir = options.partsDir === undefined ? undefined : resolve(options.partsDir);
  const last = findLayout(stateDir);
  if (last?.joinedTo !== undefined)
    throw new MeshError(
      "usage",
      `${stateDir} has joined the mesh of ${last.joinedTo}; provision the mesh there`,
    );
  if (runningSupervisor(stateDir) !== undefined)
    throw new MeshError(
      "usage",
      `the mesh runs from ${stateDir}; bring the mesh file to it with adaos policy apply`,
    );
  const nodes = nodesOf(meshFile);
  const ids = partsDir === undefined ? [] : nodes.filter((id) => isPart(id, meshFile));
  const groups = groupParts(ids, partsDir === undefined ? [] : together);
  if (partsDir !== undefined) {
    assertApart(partsDir, stateDir);
    for (const group of groups) {
      const dir = join(partsDir, group[0] ?? "");
      assertApart(dir, stateDir);
      if (isWithin(realPathOf(stateDir), realPathOf(dir))) throw mixed(dir);
      assertNoFormerFolder(group, partsDir, meshFile.mesh.name);
    }
  }
  if (dryRun) {
    await policyOf(meshFile);
    const parts = groups.map((group) => {
      const [id = ""] = group;
      return {
        id,
        nodes: group.flatMap((part) => daemonsIn(part, meshFile)),
        dir: join(partsDir ?? "", id),
        changed: [],
      };
    });
    return { mesh: meshFile.mesh.name, nodes, ...changesOf(nodes, last), servers: {}, changed: [], parts };
  }
  return await whileLocked(stateDir, async () => {
    const before = digestsIn(stateDir);
    await beginRegistry(meshFile.registryDir, stateDir);
    const layout = await provision(meshFile, stateDir, "kept");
    const parts = partsDir === undefined ? [] : partsOf(layout, stateDir, together);
    return {
      mesh: layout.mesh,
      nodes,
      ...changesOf(nodes, last),
      servers: Object.fromEntries(layout.servers.map(({ of, url }) => [of, url])),
      changed: changedSince(before, stateDir),
      parts: parts.map((part) => {
        const dir = join(partsDir ?? "", part.id);
        return {
          id: part.id,
          nodes: part.layout.nodes.map(({ id }) => id),
          dir,
          changed: writePart(part, stateDir, dir),
        };
      }),
    };
  });
}

/** Members have parts of their own, and so has each server; root daemons beside the same one share its part. */
function isPart(id: string, meshFile: MeshFile): boolean {
  return id.includes("/") || rootNodeIds(meshFile.serversOf(ROOT_DOMAIN).length).includes(id);
}

/** The daemons of a part: with more root daemons than servers, some share one. */
function daemonsIn(id: string, { rootDaemons, serversOf }: MeshFile): string[] {
  const servers = rootNodeIds(serversOf(ROOT_DOMAIN).length);
  const at = servers.indexOf(id);
  return at < 0 ? [id] : rootNodeIds(rootDaemons).filter((_, i) => i % servers.length === at);
}

/** Throws `usage` for a folder in which a part would mix with the mesh's own files. */
function assertApart(dir: string, stateDir: string): void {
  const [part, state] = [realPathOf(dir), realPathOf(stateDir)];
  const taken = [...OWN_FOLDERS, "run", "store", "registry"].map((folder) => join(state, folder));
  if (part === state || taken.some((folder) => isWithin(part, folder))) throw mixed(dir);
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep);

function mixed(dir: string): MeshError {
  return new MeshError("usage", `${dir} holds files of the mesh itself; name another folder with --parts`);
}

/** Without links, as far as it exists. */
function realPathOf(path: string): string {
  const full = resolve(path);
  if (existsSync(full)) return realpathSync(full);
  const parent = dirname(full);
  return parent === full ? full : join(realPathOf(parent), basename(full));
}

/** Throws `usage` for a part that stands together with others now and has keys in a folder of its own. */
function assertNoFormerFolder(group: readonly string[], partsDir: string, mesh: string): void {
  for (const id of group.slice(1)) {
    const dir = join(partsDir, id);
    if (findLayout(dir)?.mesh !== mesh) continue;
    const what = `${dir} holds ${id} as a part of its own, and ${group[0]} shall have it`;
    throw new MeshError("usage", `${what}; remove that folder, and stop what runs from it`);
  }
}

/** Ids of the nodes that a mesh file has on this machine. */
function nodesOf({ mesh, rootDaemons, serversOf }: MeshFile): string[] {
  const subnets = [...mesh.subnets.values()].filter(({ remote }) => remote !== true);
  return [
    ...rootNodeIds(rootDaemons),
    ...subnets.flatMap(({ name: subnet, members }) => {
      const local = [...members.values()].filter(({ remote }) => remote !== true);
      const hubs = hubNodeIds(subnet, serversOf(subnet).length);
      return [...hubs, ...local.map(({ name: node }) => nodeId({ subnet, node }))];
    }),
  ];
}

function changesOf(
  nodes: readonly string[],
  last: Layout | undefined,
): Pick<Provisioned, "added" | "removed"> {
  const before = last?.nodes.map(({ id }) => id) ?? [];
  return {
    added: nodes.filter((id) => !before.includes(id)),
    removed: before.filter((id) => !nodes.includes(id)),
  };
}

function digestsIn(stateDir: string): ReadonlyMap<string, string> {
  const files = OWN_FOLDERS.map((folder) => join(stateDir, folder)).flatMap(filesBelow);
  return new Map(
    files.map((file) => [file, createHash("sha256").update(readFileSync(file)).digest("hex")] as const),
  );
}

function changedSince(before: ReadonlyMap<string, string>, stateDir: string): string[] {
  const now = digestsIn(stateDir);
  const all = new Set([...before.keys(), ...now.keys()]);
  return [...all]
    .filter((file) => before.get(file) !== now.get(file))
    .map((file) => relative(stateDir, file));
}

function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
