import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { marksDir, outboxDir, positionsPath, removeNodeFile, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import type { LoadedPolicy } from "@adaos/policy";
import type { Plan } from "@adaos/provision";
import {
  forgetJoined,
  KeyRing,
  type Layout,
  noteApplied,
  planAgain,
  readLayout,
  type ServerLayout,
  serverProcesses,
  storeDirOf,
  writeLayout,
} from "@adaos/provision";
import {
  isRunning,
  type ProcessRecord,
  readProcessTable,
  runningSupervisor,
  signalProcess,
} from "../processes/process-table.ts";
import { isNodeRunning, untilInForce, untilLinked, untilStopped } from "./in-force.ts";

/** Fields of a node file that may change while the node runs. */
const CHANGEABLE: ReadonlySet<string> = new Set([
  "policy",
  "members",
  "subnets",
  "regions",
  "regionPolicy",
  "limits",
  "signatures",
  "autoApply",
  "alerts",
  "probes",
  "skills",
]);
/** Fields of the server beside the node that may change while it runs. */
const CHANGEABLE_OF_SERVER: ReadonlySet<string> = new Set(["hubKey", "leafKey", "rootKey"]);

/** A planned change of policy. */
export interface PolicyUpdate {
  readonly before: Layout;
  readonly plan: Plan;
  /** Nodes whose file changes. */
  readonly changed: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** The mesh file that it puts in force; undefined on a machine that has joined. */
  readonly meshFile?: LoadedPolicy["meshFile"];
}

/** Whether two plans would make the same changes to the same layout. */
export function isSameUpdate(a: PolicyUpdate, b: PolicyUpdate): boolean {
  const told = ({ before, plan, changed, added, removed }: PolicyUpdate): string =>
    JSON.stringify([before, plan.layout, [...plan.files], changed, added, removed]);
  return told(a) === told(b);
}

/**
 * Plans the changes that a mesh file makes to a started mesh. Rejects with `usage` for changes that need a restart.
 * @param shown An earlier plan of the same changes: new servers get the ports that were picked in it.
 */
export async function planUpdate(
  loaded: LoadedPolicy,
  stateDir: string,
  shown?: PolicyUpdate,
): Promise<PolicyUpdate> {
  const before = readLayout(stateDir);
  const plan = await planAgain(loaded, stateDir, shown?.plan.layout.ports);
  return { ...compareUpdate(before, plan), meshFile: loaded.meshFile };
}

/** The update from a layout to a plan. Throws `usage` for changes that need a restart. */
export function compareUpdate(before: Layout, plan: Plan): PolicyUpdate {
  const was = new Map(before.nodes.map(({ id, nodeFile }) => [id, nodeFile]));
  const changed: string[] = [];
  for (const { id, nodeFile } of plan.layout.nodes) {
    const text = plan.files.get(nodeFile) ?? "";
    if (!was.has(id)) continue;
    const now = existsSync(nodeFile) ? readFileSync(nodeFile, "utf8") : "";
    if (now === text) continue;
    assertChangeable(id, now, text);
    changed.push(id);
  }
  const is = new Set(plan.layout.nodes.map(({ id }) => id));
  const added = [...is].filter((id) => !was.has(id));
  const removed = [...was.keys()].filter((id) => !is.has(id));
  return { before, plan, changed, added, removed };
}

/** Writes the files that the nodes follow. From here on the nodes change by themselves. */
function writeUpdate(update: PolicyUpdate, stateDir: string): void {
  const { before, plan, added, removed } = update;
  const written = new Set(plan.layout.nodes.map(({ nodeFile }) => nodeFile));
  // Daemons write the configs of their running servers, since they know what else those contain.
  for (const server of newServers(update)) {
    written.add(server.configFile);
    setAside(storeDirOf(stateDir, server));
  }
  // A new durable must not continue from the position of a predecessor.
  for (const { id, role } of plan.layout.nodes)
    if (role === "hub" && added.includes(id)) setAside(positionsPath(stateDir, id));
  for (const [file, text] of plan.files) if (written.has(file)) writeWhole(file, text);
  const keys = new KeyRing(stateDir);
  for (const { id, nodeFile } of before.nodes) {
    if (!removed.includes(id)) continue;
    removeNodeFile(nodeFile);
    // A holder of its key must not be let in when a node of this name is added again.
    keys.forget(id);
    // Nor must the new node publish what its predecessor could not send.
    setAside(outboxDir(stateDir, id));
    // And a later node of this name has handled nothing yet.
    rmSync(marksDir(stateDir, id), { recursive: true, force: true });
  }
  // Nor those of other machines on which the mesh file no longer places the node.
  forgetJoined(stateDir, plan.remoteKeys);
  writeLayout(stateDir, plan.layout);
  if (update.meshFile !== undefined) noteApplied(stateDir, update.meshFile);
}

function newServers({ before, plan }: PolicyUpdate): ServerLayout[] {
  const known = new Set(serverProcesses(before).map(({ name }) => name));
  return serverProcesses(plan.layout).filter(({ name }) => !known.has(name));
}

/** Sets aside data kept under a name that now belongs to another node. */
function setAside(dir: string): void {
  if (existsSync(dir)) renameSync(dir, `${dir}.removed-${Date.now()}`);
}

/**
 * Puts a change in force. It writes the files that nodes follow, and tells the supervisor which servers and nodes come
 * or go. It waits until every node has its own file in force, new subnets are linked, and removed processes have ended.
 * Resolves with the milliseconds that took; rejects with `timeout`, or `unavailable` when nothing was written.
 * @param supervisor Undefined when each daemon is run by itself: then processes can neither come nor go.
 */
export async function applyUpdate(
  update: PolicyUpdate,
  stateDir: string,
  supervisor: ProcessRecord | undefined,
  waitFor: "all" | "changed" = "all",
): Promise<number> {
  const startMs = performance.now();
  const { layout, files } = update.plan;
  const fresh = newServers(update);
  if (supervisor === undefined && fresh.length + update.added.length + update.removed.length > 0) {
    throw new MeshError(
      "unavailable",
      "no supervisor runs here to start and stop the changed processes; run adaos up",
    );
  }
  assertGone(fresh, stateDir);
  writeUpdate(update, stateDir);
  const names = [...serverProcesses(layout).map(({ name }) => name), ...layout.nodes.map(({ id }) => id)];
  if (supervisor !== undefined && !isKept(names, stateDir)) signalProcess(supervisor, "SIGUSR2");
  const nodes = layout.nodes.filter(({ id }) => {
    if (waitFor === "changed") return update.changed.includes(id);
    // Without a supervisor some daemons may run under another one, or on another machine.
    return supervisor !== undefined || isNodeRunning(id, stateDir);
  });
  await untilInForce(nodes, files, stateDir, fresh.length > 0);
  await untilLinked(
    layout,
    fresh.map(({ of }) => of),
    stateDir,
  );
  if (supervisor !== undefined) await untilStopped(names, stateDir);
  return Math.round(performance.now() - startMs);
}

/** Whether the supervisor keeps exactly these. A process that died and waits for its restart counts as not running. */
function isKept(names: readonly string[], stateDir: string): boolean {
  const running = readProcessTable(stateDir)?.children.map(({ name }) => name) ?? [];
  return running.length === names.length && running.every((name) => names.includes(name));
}

/** A server that is being stopped still writes into its store. */
function assertGone(servers: readonly ServerLayout[], stateDir: string): void {
  const running = readProcessTable(stateDir)?.children.filter(isRunning) ?? [];
  const left = servers.find(({ name }) => running.some((child) => child.name === name));
  if (left === undefined) return;
  throw new MeshError(
    "unavailable",
    `the previous ${left.name} is still stopping; try again when it has stopped`,
  );
}

/** The nodes here that lack what the mesh file and its registry say. Rejects as `planUpdate()` does. */
export async function pendingNodes(loaded: LoadedPolicy, stateDir: string): Promise<readonly string[]> {
  const { changed, added, removed } = await planUpdate(loaded, stateDir);
  return [...changed, ...added, ...removed];
}

/**
 * Rejects with `usage` when the mesh file has changes that are not applied: another change must not bring them along.
 */
export async function assertApplied(loaded: LoadedPolicy, stateDir: string): Promise<void> {
  const pending = await pendingNodes(loaded, stateDir);
  if (pending.length === 0) return;
  throw new MeshError(
    "usage",
    `${loaded.meshFile.file}, or the registry in ${loaded.meshFile.registryDir} by which its rules are compiled, has changes that are not applied (${pending.join(", ")}); run adaos policy apply first`,
  );
}

/**
 * The supervisor of the mesh that a change is for; undefined when daemons are run one by one. Throws `unavailable` when
 * nothing of the mesh runs.
 */
export function neededSupervisor(stateDir: string): ProcessRecord | undefined {
  const supervisor = runningSupervisor(stateDir);
  if (supervisor !== undefined || readLayout(stateDir).nodes.some(({ id }) => isNodeRunning(id, stateDir)))
    return supervisor;
  throw new MeshError(
    "unavailable",
    `no mesh runs from ${stateDir}; adaos up starts it with the policy of its file`,
  );
}

function assertChangeable(id: string, now: string, text: string): void {
  const was = fieldsOf(now);
  const is = fieldsOf(text);
  // A damaged or missing file may be replaced, whatever it contained.
  if (was === undefined || is === undefined) return;
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (CHANGEABLE.has(key) || fixedText(was[key]) === fixedText(is[key])) continue;
    throw new MeshError("usage", `${key} of ${id} cannot change while it runs; use adaos down and adaos up`);
  }
}

function fixedText(value: unknown): string | undefined {
  return JSON.stringify(value, (key, part: unknown) => (CHANGEABLE_OF_SERVER.has(key) ? undefined : part));
}

function fieldsOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
