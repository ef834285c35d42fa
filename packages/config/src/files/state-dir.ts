import { dirname, join, resolve } from "node:path";
import type { NodeAddress } from "@adaos/core/wire";

/** The folder of `--state`, else of `ADAOS_STATE`, else `.adaos` here. An empty text names no folder. */
export function resolveStateDir(option: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(option || env["ADAOS_STATE"] || ".adaos");
}

/** Its name in messages. */
export const STATE_FOLDER = "the state folder";

/**
 * The processes and addresses of the mesh. `adaos up` writes the file; every command that talks to the mesh reads
 * it.
 */
export function layoutFile(stateDir: string): string {
  return join(stateDir, "mesh.json");
}

/** Names of several daemons or servers that are one to others: `root`, `root-2`, `root-3`. */
export function numberedNames(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? first : `${first}-${i + 1}`));
}

/** Ids of a mesh's root daemons, and of the servers beside them: `root`, `root-2`, `root-3`. */
export function rootNodeIds(count: number): string[] {
  return numberedNames("root", count);
}

/** Ids of a subnet's hub daemons: `alpha/hub`, `alpha/hub-2`. */
export function hubNodeIds(subnet: string, count: number): string[] {
  return numberedNames(nodeId({ subnet, node: "hub" }), count);
}

/** Id of a node for file names and messages: `root`, `alpha/hub`, `alpha/kitchen`. */
export function nodeId(address: NodeAddress | "root"): string {
  return address === "root" ? "root" : `${address.subnet}/${address.node}`;
}

/** The node file from which a node starts. */
export function nodeFilePath(stateDir: string, id: string): string {
  return join(stateDir, "nodes", `${id}.json`);
}

/** The node of a file at {@link nodeFilePath}; undefined for another path. Pure. */
export function nodeOfFile(file: string): { readonly stateDir: string; readonly id: string } | undefined {
  const [, stateDir, id] = /^(.+)\/nodes\/((?:[a-z0-9-]+\/)?[a-z0-9-]+)\.json$/.exec(resolve(file)) ?? [];
  return stateDir === undefined || id === undefined ? undefined : { stateDir, id };
}

/** A running daemon writes its process id and address there. */
export function runFilePath(stateDir: string, id: string): string {
  return join(stateDir, "run", `${id.replace("/", "_")}.json`);
}

/** A member's outbox: events that it keeps while its hub is away. */
export function outboxDir(stateDir: string, id: string): string {
  return join(stateDir, "outbox", id.replace("/", "_"));
}

/** A member's marks of handled events. */
export function marksDir(stateDir: string, id: string): string {
  return join(stateDir, "marks", id.replace("/", "_"));
}

/** What a member's daemon keeps of its skills: installed ones, their logs, and which are disabled. */
export function skillsDir(stateDir: string, id: string): string {
  return join(stateDir, "skills", id.replace("/", "_"));
}

/** The streams of one server: the root's, or a subnet's. */
export function storeDir(stateDir: string, of: string): string {
  return join(stateDir, "store", of);
}

/** The positions of a node's streams. */
export function positionsPath(stateDir: string, id: string): string {
  return join(stateDir, "positions", `${id.replace("/", "_")}.json`);
}

/** The ledger beside a file of positions: a line of JSON for each damage. */
export function lostFile(positions: string): string {
  return positions.replace(/\.json$/, ".lost.jsonl");
}

/** The last registry that a node got from its hub or root. */
export function registryCachePath(stateDir: string, id: string): string {
  return join(stateDir, "registry", `${id.replace("/", "_")}.json`);
}

/** The last registry that the root has put in force. */
export function registryInForceFile(stateDir: string): string {
  return join(stateDir, "registry", "in-force.json");
}

/** The proof of the registry's texts with which the mesh was started. */
export function provenRegistryFile(stateDir: string): string {
  return provenRegistryBeside(registryInForceFile(stateDir));
}

/** The same file, in the state folder of a node's registry cache. */
export function provenRegistryBeside(registryCache: string): string {
  return join(dirname(registryCache), "proven.json");
}

/** Digest of the registry that an operator wants the root to put in force. */
export function registryApprovalFile(stateDir: string): string {
  return join(stateDir, "registry", "approved");
}

/** The audit of operators' actions on this machine. */
export function auditFile(stateDir: string): string {
  return join(stateDir, "audit", "audit.jsonl");
}

export function logFilePath(stateDir: string, id: string): string {
  return join(stateDir, "logs", `${id.replace("/", "_")}.log`);
}
