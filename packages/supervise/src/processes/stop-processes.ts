import { MeshError } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import { leftChildren } from "./left-children.ts";
import {
  askToEnd,
  isRunning,
  type ProcessRecord,
  readProcessTable,
  recordOf,
  removeProcessTable,
  SUPERVISOR,
  signalProcess,
} from "./process-table.ts";
import { isLock, lockHolder, takeLock } from "./state-lock.ts";

/** The starter and keeper of a state folder's processes holds this lock. */
export const OWNER_LOCK = "owner";

const STOP_LIMIT_MS = 30_000;
const KILL_LIMIT_MS = 5000;
const GUARD_LIMIT_MS = 2000;
/** A supervisor that was just restarted is stopped once more, up to so often. */
const MAX_ROUNDS = 5;

/**
 * Stops every process of this folder, its supervisor first. Resolves with how many processes there were; rejects with
 * `unavailable` when one does not end.
 */
export async function stopProcesses(stateDir: string): Promise<number> {
  const stopped = new Set<number>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const table = readProcessTable(stateDir);
    const owner = lockHolder(stateDir, OWNER_LOCK) ?? table?.supervisor;
    const all = [...(owner === undefined ? [] : [owner]), ...leftChildren(stateDir)];
    for (const { pid } of all.filter(isRunning)) stopped.add(pid);
    if (owner !== undefined && isRunning(owner)) await stopOwner(owner, table?.guard);
    // A process that is about to resume the mesh must find nothing any more.
    const lock = takeLock(stateDir, OWNER_LOCK, recordOf("down", process.pid));
    if (!isLock(lock)) continue;
    try {
      await stopOrphans(stateDir);
      return stopped.size;
    } finally {
      lock.release();
    }
  }
  throw new MeshError("unavailable", `others start and stop processes from ${stateDir}; try again`);
}

/**
 * Stops the children of a supervisor that has died; the caller has the lock. Resolves and rejects as {@link
 * stopProcesses} does.
 */
export async function stopOrphans(stateDir: string): Promise<number> {
  await stopGuard(readProcessTable(stateDir)?.guard);
  const children = leftChildren(stateDir);
  const count = children.filter(isRunning).length;
  await stopAll(children);
  removeProcessTable(stateDir);
  return count;
}

/** Ends processes of an earlier supervisor that are not wanted any more. Rejects as {@link stopProcesses} does. */
export async function stopAll(records: readonly ProcessRecord[]): Promise<void> {
  const running = records.filter(isRunning);
  for (const record of running) askToEnd(record);
  if (await allEnded(running, STOP_LIMIT_MS)) return;
  await killAll(running);
}

async function killAll(running: readonly ProcessRecord[]): Promise<void> {
  for (const record of running) signalProcess(record, "SIGKILL");
  if (await allEnded(running, KILL_LIMIT_MS)) return;
  const left = running.filter(isRunning).map(({ name, pid }) => `${name} (${pid})`);
  throw new MeshError("unavailable", `still running: ${left.join(", ")}`);
}

/** The supervisor stops its guard and its children in order. The guard must not restart a supervisor that fails to. */
async function stopOwner(owner: ProcessRecord, guard: ProcessRecord | undefined): Promise<void> {
  // Another process that is stopping the mesh is left alone.
  if (owner.name === SUPERVISOR) askToEnd(owner);
  if (await allEnded([owner], STOP_LIMIT_MS)) return;
  if (guard !== undefined) signalProcess(guard, "SIGKILL");
  await killAll([owner]);
}

/** The guard may be becoming the next supervisor just now. */
async function stopGuard(guard: ProcessRecord | undefined): Promise<void> {
  if (guard === undefined || !isRunning(guard)) return;
  askToEnd(guard);
  if (!(await allEnded([guard], GUARD_LIMIT_MS))) await killAll([guard]);
}

async function allEnded(records: readonly ProcessRecord[], limitMs: number): Promise<boolean> {
  const deadlineMs = Date.now() + limitMs;
  while (records.some(isRunning)) {
    if (Date.now() >= deadlineMs) return false;
    await delay(50);
  }
  return true;
}
