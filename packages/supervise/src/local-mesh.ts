import { type MeshFile, readMeshFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ensureNatsServer, renderProgress } from "@adaos/nats-server";
import { type Layout, provision, readLayout, type ServerLayout } from "@adaos/provision";
import { askHealth, askServer, type ComponentHealth, type MeshHealth } from "./health.ts";
import {
  isRunning,
  type ProcessRecord,
  readProcessTable,
  removeProcessTable,
  signalProcess,
} from "./process-table.ts";
import { beginRegistry } from "./registry-in-force.ts";
import { Supervisor } from "./supervisor.ts";

/** Longest start of a mesh until everything in it is ready. */
const READY_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 30_000;
const POLL_MS = 150;

/** A mesh that this process has started and keeps running. */
export interface RunningMesh {
  readonly layout: Layout;
  /** Reads its layout again: stops what is gone from it, and starts what is new. */
  follow(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a mesh from its file; without one, the part of another machine's mesh that this folder has joined. Rejects
 * with `invalid-config`, or `unavailable` when it runs already.
 * @param adaos The file of the `adaos` program, for the daemons.
 */
export async function startMesh(
  configFile: string | undefined,
  stateDir: string,
  adaos: string,
  say: (line: string) => void,
): Promise<RunningMesh> {
  const meshFile = configFile === undefined ? undefined : readRunnableMesh(configFile);
  if (runningSupervisor(stateDir) !== undefined) {
    throw new MeshError("unavailable", `a mesh already runs from ${stateDir}; stop it with adaos down`);
  }
  // A supervisor that was killed leaves its children behind; they would hold the ports and the stores.
  if ((await stopProcesses(stateDir)) > 0) say("stopped what an earlier run had left behind");
  const { path, version, from } = await ensureNatsServer({ onProgress: renderProgress() });
  say(`nats-server ${version} (${from}: ${path})`);
  if (meshFile !== undefined) await beginRegistry(meshFile.registryDir, stateDir);
  const layout = meshFile === undefined ? readLayout(stateDir) : await provision(meshFile, stateDir);
  const supervisor = new Supervisor(stateDir, layout, { natsServer: path, adaos }, say);
  supervisor.start();
  return {
    layout,
    follow: () => supervisor.follow(() => readLayout(stateDir)),
    stop: () => supervisor.stop(),
  };
}

/** Reads the file of a mesh that has servers. Throws `invalid-config` or `usage`. */
export function readRunnableMesh(configFile: string): MeshFile {
  const meshFile = readMeshFile(configFile);
  if (meshFile.transport === "nats") return meshFile;
  const how = `its programs need nothing started: connect({ mesh: ${JSON.stringify(configFile)} })`;
  throw new MeshError("usage", `${configFile} says transport: local; ${how}`);
}

/** The supervisor of a mesh that runs from this folder. */
export function runningSupervisor(stateDir: string): ProcessRecord | undefined {
  const supervisor = readProcessTable(stateDir)?.supervisor;
  return supervisor !== undefined && isRunning(supervisor) ? supervisor : undefined;
}

/**
 * Stops whatever runs from this folder, its supervisor first. Resolves with how many processes there were; rejects with
 * `unavailable` when one does not end.
 */
export async function stopProcesses(stateDir: string): Promise<number> {
  const table = readProcessTable(stateDir);
  if (table === undefined) return 0;
  // The supervisor stops its children in order; only what it cannot stop any more is stopped from here.
  const supervised = isRunning(table.supervisor);
  let count = 0;
  for (const group of supervised ? [[table.supervisor], table.children] : [table.children]) {
    const running = group.filter(isRunning);
    count += running.length;
    for (const record of running) signalProcess(record, "SIGTERM");
    if (await allEnded(running, STOP_LIMIT_MS)) continue;
    for (const record of running) signalProcess(record, "SIGKILL");
    if (!(await allEnded(running, 5000))) {
      const left = running.filter(isRunning).map(({ name, pid }) => `${name} (${pid})`);
      throw new MeshError("unavailable", `still running: ${left.join(", ")}`);
    }
  }
  removeProcessTable(stateDir);
  return supervised ? table.children.length + 1 : count;
}

async function allEnded(records: readonly ProcessRecord[], limitMs: number): Promise<boolean> {
  const deadlineMs = Date.now() + limitMs;
  while (records.some(isRunning)) {
    if (Date.now() >= deadlineMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}

/** Whether it depends on a hub of another machine. */
function isFar({ kind, name }: ComponentHealth, { remote = [] }: Layout): boolean {
  return kind === "link" && remote.includes(name.split(" ")[1] ?? "");
}

/**
 * Waits until every server, node and link is ready, telling what it waits for. Rejects with `unavailable` after 90 s,
 * or as soon as `given up` says so.
 */
export async function waitUntilReady(
  layout: Layout,
  stateDir: string,
  say: (line: string) => void,
  givenUp: () => string | undefined = () => undefined,
): Promise<MeshHealth> {
  const deadlineMs = Date.now() + READY_LIMIT_MS;
  let told = 0;
  const answered = new Set<string>();
  // A connection for each look would cost a start more than all its files; a server that fell silent fails its nodes.
  const problemOf = async (server: ServerLayout): Promise<string | undefined> => {
    const problem = answered.has(server.name) ? undefined : await askServer(server);
    if (problem === undefined) answered.add(server.name);
    return problem;
  };
  for (;;) {
    const health = await askHealth(layout, stateDir, problemOf);
    // Machines of others may be off: what runs here is up without them.
    const waiting = health.components.filter((component) => !component.ready && !isFar(component, layout));
    if (waiting.length === 0) return health;
    const reason = givenUp();
    if (reason !== undefined) throw new MeshError("unavailable", reason);
    if (Date.now() >= deadlineMs) {
      const why = waiting.map(({ kind, name, note }) => `${kind} ${name}: ${note}`).join("\n  ");
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
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
