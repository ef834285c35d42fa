import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type MeshFile, readMeshFile, restoreNodeFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { delay, messageOf } from "@adaos/core/wire";
import { ensureNatsServer, renderProgress } from "@adaos/nats-server";
import {
  assertPortsFree,
  assertScrapePortsFree,
  assertStoreKeys,
  findLayout,
  type Layout,
  localPorts,
  localScrapes,
  portsName,
  provision,
  readLayout,
  type ServerLayout,
  serverProcesses,
} from "@adaos/provision";
import { KeptMesh, type RunningMesh } from "./kept-mesh.ts";
import { leftChildren } from "./processes/left-children.ts";
import {
  isRunning,
  readProcessTable,
  recordOf,
  runningSupervisor,
  SUPERVISOR,
  VIEWER,
} from "./processes/process-table.ts";
import { isLock, type StateLock, takeLock } from "./processes/state-lock.ts";
import { OWNER_LOCK, stopOrphans } from "./processes/stop-processes.ts";
import { beginRegistry } from "./registry-in-force.ts";
import { askHealth, askServer, type ComponentHealth, type MeshHealth } from "./status/health.ts";
import { lastErrorOf } from "./status/last-error.ts";

/** Longest time until everything in a starting mesh is ready. */
const READY_LIMIT_MS = 90_000;
/** The mesh works without its viewer, which may wait for a port. */
const VIEWER_LIMIT_MS = 10_000;
const POLL_MS = 150;

/**
 * Starts a mesh from its file. Without a file, starts the part of another machine's mesh that this folder has joined.
 * Rejects with `invalid-config`, or `unavailable` when it runs already.
 * @param adaos The file of the `adaos` program, for the daemons.
 */
export async function startMesh(
  configFile: string | undefined,
  stateDir: string,
  adaos: string,
  say: (line: string) => void,
): Promise<RunningMesh> {
  const lock = takeOwnership(stateDir);
  if (lock === undefined) {
    // An error in the file itself is reported first, since nothing else would help.
    if (configFile !== undefined) whyBroken(configFile, stateDir);
    throw new MeshError("unavailable", `a mesh already runs from ${stateDir}; stop it with adaos down`);
  }
  try {
    // A killed supervisor leaves its children behind; they would keep the ports and the stores.
    if ((await stopOrphans(stateDir)) > 0) say("stopped what an earlier run had left behind");
    // Read the file first: when it is wrong, install nothing and print nothing else.
    const prepared = await prepareMesh(configFile, stateDir, say, { portsFree: true });
    const { path, version, from } = await ensureNatsServer({ onProgress: renderProgress() });
    say(`nats-server ${version} (${from}: ${path})`);
    return await KeptMesh.start({ stateDir, ...prepared, programs: { natsServer: path, adaos }, say, lock });
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

/**
 * Writes the files from which the mesh starts. When the mesh file is broken, uses those that the last start has
 * written. Rejects with `invalid-config` or `unavailable`.
 * @param needs `portsFree`: rejects when servers and daemons, none of which runs, cannot listen at their fixed ports.
 */
export async function prepareMesh(
  configFile: string | undefined,
  stateDir: string,
  say: (line: string) => void,
  needs: { readonly portsFree: boolean } = { portsFree: false },
): Promise<{ readonly layout: Layout; readonly broken?: unknown }> {
  if (configFile === undefined) {
    const layout = readLayout(stateDir);
    // The layout of a joined machine has the ports of its root, too, which is another machine's.
    const here = new Map(
      serverProcesses(layout).map((server) => [portsName(server), new URL(server.url).hostname]),
    );
    if (needs.portsFree)
      await assertPortsFree(
        Object.entries(layout.ports).filter(([name]) => here.has(name)),
        (name) => here.get(name),
      );
    return { layout };
  }
  let mesh: string | undefined;
  try {
    const meshFile = readRunnableMesh(configFile, stateDir);
    mesh = meshFile.mesh.name;
    // Nothing is written before.
    if (needs.portsFree) {
      await assertPortsFree(localPorts(meshFile), (name) => meshFile.hosts.get(name)?.host);
      await assertScrapePortsFree(localScrapes(meshFile));
    }
    await beginRegistry(meshFile.registryDir, stateDir);
    return { layout: await provision(meshFile, stateDir) };
  } catch (broken) {
    const layout = lastGoodLayout(configFile, stateDir, broken);
    // A file that names another mesh is not a broken version of this one.
    if (layout === undefined || (mesh ?? layout.mesh) !== layout.mesh) throw broken;
    say(brokenText(configFile, broken));
    for (const { id, role, nodeFile } of layout.nodes)
      if (restoreNodeFile(nodeFile, role))
        say(`the file of ${id} is broken, too; its last good version is back`);
    return { layout, broken };
  }
}

/** Why a mesh file cannot be read, if the mesh can start from its last good version. Throws that error if it cannot. */
export function whyBroken(configFile: string, stateDir: string): string | undefined {
  try {
    readRunnableMesh(configFile, stateDir);
    return undefined;
  } catch (thrown) {
    if (lastGoodLayout(configFile, stateDir, thrown) === undefined) throw thrown;
    return brokenText(configFile, thrown);
  }
}

function brokenText(configFile: string, thrown: unknown): string {
  return `${configFile} is broken; starting the last good version of it:\n${messageOf(thrown)}`;
}

/**
 * The layout that the last start from a mesh file has written. Undefined when there was none, or when the error is not
 * the file's.
 */
function lastGoodLayout(configFile: string, stateDir: string, broken: unknown): Layout | undefined {
  if (!(broken instanceof MeshError) || broken.code !== "invalid-config") return undefined;
  const last = findLayout(stateDir);
  if (last?.configFile !== resolve(configFile)) return undefined;
  const files = [...serverProcesses(last).flatMap(filesOf), ...last.nodes.map((node) => node.nodeFile)];
  return files.every((file) => existsSync(file)) ? last : undefined;
}

/** The files that are needed to start a server and to query it. */
function filesOf({ configFile, seedFile, systemSeedFile, tls }: ServerLayout): string[] {
  const { caFile = [], certFile = [], keyFile = [] } = tls ?? {};
  return [configFile, seedFile, systemSeedFile, caFile, certFile, keyFile].flat();
}

/**
 * Resumes a mesh whose supervisor has died: adopts running processes as they are. Resolves with undefined when there is
 * none to resume: it was stopped, or another process resumes it.
 * @param adaos The file of the `adaos` program, if the process table does not name it.
 */
export async function resumeMesh(
  stateDir: string,
  adaos: string,
  say: (line: string) => void,
): Promise<RunningMesh | undefined> {
  const lock = takeOwnership(stateDir);
  if (lock === undefined) return undefined;
  try {
    const table = readProcessTable(stateDir);
    const children = leftChildren(stateDir).filter(isRunning);
    if (table?.programs !== undefined || children.length > 0) {
      const programs = table?.programs ?? { natsServer: (await ensureNatsServer({})).path, adaos };
      const layout = readLayout(stateDir);
      const pid = table?.supervisor.pid ?? 0;
      say(`the supervisor${pid === 0 ? "" : ` (${pid})`} has died; going on as ${process.pid}`);
      return await KeptMesh.start({ stateDir, layout, programs, say, lock, left: { pid, children } });
    }
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
  lock.release();
  return undefined;
}

/** Undefined when another process owns the folder, or a supervisor of an earlier release runs. */
function takeOwnership(stateDir: string): StateLock | undefined {
  if (runningSupervisor(stateDir) !== undefined) return undefined;
  const taken = takeLock(stateDir, OWNER_LOCK, recordOf(SUPERVISOR, process.pid));
  return isLock(taken) ? taken : undefined;
}

/** Reads the file of a mesh that has servers. Throws `invalid-config` or `usage`. */
export function readRunnableMesh(configFile: string, stateDir: string): MeshFile {
  const meshFile = readMeshFile(configFile);
  if (meshFile.transport === "nats") {
    assertStoreKeys(meshFile, stateDir);
    return meshFile;
  }
  const how = `its programs need nothing started: connect({ mesh: ${JSON.stringify(configFile)} })`;
  throw new MeshError("usage", `${configFile} says transport: local; ${how}`);
}

/** Whether it depends on a hub of another machine, or on another region. */
function isFar({ kind, name }: ComponentHealth, { remote = [] }: Layout): boolean {
  const [direction, subnet = ""] = name.split(" ");
  return kind === "link" && (direction === "region" || remote.includes(subnet));
}

function whyWaiting({ kind, name, note }: ComponentHealth, stateDir: string): string {
  const said = kind === "node" ? lastErrorOf(stateDir, name) : undefined;
  return `${kind} ${name}: ${note}${said === undefined ? "" : `; its last error: ${said}`}`;
}

/**
 * Waits until every server, node and link is ready, and reports what it waits for. Rejects with `unavailable` after 90
 * s, or as soon as `givenUp` returns a reason.
 */
export async function waitUntilReady(
  layout: Layout,
  stateDir: string,
  say: (line: string) => void,
  givenUp: () => string | undefined = () => undefined,
): Promise<MeshHealth> {
  const startedMs = Date.now();
  const deadlineMs = startedMs + READY_LIMIT_MS;
  let told = 0;
  const answered = new Set<string>();
  // A new connection for each look would cost more than all files of a start. A server that goes silent makes its nodes
  // fail.
  const problemOf = async (server: ServerLayout): Promise<string | undefined> => {
    const problem = answered.has(server.name) ? undefined : await askServer(server);
    if (problem === undefined) answered.add(server.name);
    return problem;
  };
  for (;;) {
    const health = await askHealth(layout, stateDir, problemOf);
    // Machines of others may be off: the processes here do not need them to be up.
    const isPatient = Date.now() - startedMs < VIEWER_LIMIT_MS;
    const waiting = health.components.filter(
      (component) =>
        !component.ready && !isFar(component, layout) && (isPatient || component.name !== VIEWER),
    );
    if (waiting.length === 0) return health;
    const reason = givenUp();
    if (reason !== undefined) throw new MeshError("unavailable", reason);
    if (Date.now() >= deadlineMs) {
      const why = waiting.map((component) => whyWaiting(component, stateDir)).join("\n  ");
      throw new MeshError(
        "unavailable",
        `not ready after ${READY_LIMIT_MS / 1000} s:\n  ${why}\nsee the logs in ${stateDir}/logs`,
      );
    }
    if (Date.now() - told >= 1000) {
      told = Date.now();
      const done = health.components.length - waiting.length;
      say(
        `starting: ${done} of ${health.components.length} ready, waiting for ${waiting.map(({ name }) => name).join(", ")}`,
      );
    }
    await delay(POLL_MS);
  }
}
