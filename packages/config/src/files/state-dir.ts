import { dirname, join, resolve } from "node:path";
import type { NodeAddress } from "@adaos/core/wire";

/** The folder of `--state`, else of `ADAOS_STATE`, else `.adaos` here. An empty text names no folder. */
export function resolveStateDir(option: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(option || env["ADAOS_STATE"] || ".adaos");
}

/** How messages name it. */
export const STATE_FOLDER = "the state folder";

/** What runs where, written by `adaos up`, read by every command that talks to the mesh. */
export function layoutFile(stateDir: string): string {
  return join(stateDir, "mesh.json");
}

/** Ids of a mesh's root daemons: `root`, `root-2`, `root-3`. */
export function rootNodeIds(count: number): string[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? "root" : `root-${i + 1}`));
}

/** Id of a node for file names and messages: `root`, `alpha/hub`, `alpha/kitchen`. */
export function nodeId(address: NodeAddress | "root"): string {
  return address === "root" ? "root" : `${address.subnet}/${address.node}`;
}

/** The file a node is started from. */
export function nodeFilePath(stateDir: string, id: string): string {
  return join(stateDir, "nodes", `${id}.json`);
}

/** Which node's file it is, where it lies as {@link nodeFilePath} says; nothing elsewhere. Pure. */
export function nodeOfFile(file: string): { readonly stateDir: string; readonly id: string } | undefined {
  const [, stateDir, id] = /^(.+)\/nodes\/((?:[a-z0-9-]+\/)?[a-z0-9-]+)\.json$/.exec(resolve(file)) ?? [];
  return stateDir === undefined || id === undefined ? undefined : { stateDir, id };
}

/** Written by a running daemon: its process and where it answers. */
export function runFilePath(stateDir: string, id: string): string {
  return join(stateDir, "run", `${id.replace("/", "_")}.json`);
}

/** What a member keeps while its hub is away. */
export function outboxDir(stateDir: string, id: string): string {
  return join(stateDir, "outbox", id.replace("/", "_"));
}

/** What a member has handled. */
export function marksDir(stateDir: string, id: string): string {
  return join(stateDir, "marks", id.replace("/", "_"));
}

/** The streams of one server: of the root's, or of a subnet's. */
export function storeDir(stateDir: string, of: string): string {
  return join(stateDir, "store", of);
}

/** Where the streams stand that a node keeps. */
export function positionsPath(stateDir: string, id: string): string {
  return join(stateDir, "positions", `${id.replace("/", "_")}.json`);
}

/** The ledger beside a file of positions: a line of JSON for each damage. */
export function lostFile(positions: string): string {
  return positions.replace(/\.json$/, ".lost.jsonl");
}

/** The registry that a node was served last. */
export function registryCachePath(stateDir: string, id: string): string {
  return join(stateDir, "registry", `${id.replace("/", "_")}.json`);
}

/** The registry that the root has put in force last. */
export function registryInForceFile(stateDir: string): string {
  return join(stateDir, "registry", "in-force.json");
}

/** What is known of the texts of the registry that the mesh was started with. */
export function provenRegistryFile(stateDir: string): string {
  return provenRegistryBeside(registryInForceFile(stateDir));
}

/** The same, of the state folder in which a node keeps what it was served. */
export function provenRegistryBeside(registryCache: string): string {
  return join(dirname(registryCache), "proven.json");
}

/** Digest of the registry that an operator wants in force, for the root. */
export function registryApprovalFile(stateDir: string): string {
  return join(stateDir, "registry", "approved");
}

/** What operators did from this machine. */
export function auditFile(stateDir: string): string {
  return join(stateDir, "audit", "audit.jsonl");
}

export function logFilePath(stateDir: string, id: string): string {
  return join(stateDir, "logs", `${id.replace("/", "_")}.log`);
}
