import { MeshError } from "@adaos/core";
import {
  isRunning,
  type ProcessRecord,
  type ProcessTable,
  readProcessTable,
  removeProcessTable,
  signalProcess,
} from "./process-table.ts";
import { lockHolder } from "./state-lock.ts";

/** Held by whoever starts and keeps the processes of a state folder. */
export const OWNER_LOCK = "owner";

const STOP_LIMIT_MS = 30_000;
const KILL_LIMIT_MS = 5000;
const GUARD_LIMIT_MS = 2000;
/** A supervisor that was just brought back writes a new table: then all of it is stopped once more. */
const MAX_ROUNDS = 5;

/**
 * Stops whatever runs from this folder, its supervisor first. Resolves with how many processes there were; rejects with
 * `unavailable` when one does not end.
 */
export async function stopProcesses(stateDir: string): Promise<number> {
  const stopped = new Set<string>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const table = readProcessTable(stateDir);
    const owner = lockHolder(stateDir, OWNER_LOCK);
    if (table === undefined && owner === undefined) break;
    for (const { pid, name } of runningIn(table, owner)) stopped.add(`${name} ${pid}`);
    await stopOwner(owner ?? table?.supervisor, table?.guard);
    await stopAll(table?.children ?? []);
    const now = readProcessTable(stateDir);
    if (runningIn(now, lockHolder(stateDir, OWNER_LOCK)).length > 0) continue;
    removeProcessTable(stateDir);
    break;
  }
  return stopped.size;
}

/** Stops what a supervisor that has died has left behind. Resolves and rejects as {@link stopProcesses} does. */
export async function stopOrphans(stateDir: string): Promise<number> {
  const table = readProcessTable(stateDir);
  if (table === undefined) return 0;
  const count = table.children.filter(isRunning).length;
  await stopOwner(undefined, table.guard);
  await stopAll(table.children);
  removeProcessTable(stateDir);
  return count;
}

/** Ends what an earlier supervisor has left and nobody wants any more. Rejects as {@link stopProcesses} does. */
export async function stopAll(records: readonly ProcessRecord[]): Promise<void> {
  const running = records.filter(isRunning);
  for (const record of running) signalProcess(record, "SIGTERM");
  if (await allEnded(running, STOP_LIMIT_MS)) return;
  for (const record of running) signalProcess(record, "SIGKILL");
  if (await allEnded(running, KILL_LIMIT_MS)) return;
  const left = running.filter(isRunning).map(({ name, pid }) => `${name} (${pid})`);
  throw new MeshError("unavailable", `still running: ${left.join(", ")}`);
}

/** The supervisor stops its guard and its children in order; one that does not must not be brought back. */
async function stopOwner(owner: ProcessRecord | undefined, guard: ProcessRecord | undefined): Promise<void> {
  if (owner !== undefined) {
    signalProcess(owner, "SIGTERM");
    if (!(await allEnded([owner], STOP_LIMIT_MS)) && guard !== undefined) signalProcess(guard, "SIGKILL");
    await stopAll([owner]);
  }
  // It may be becoming the next supervisor just now.
  if (guard === undefined || !isRunning(guard)) return;
  signalProcess(guard, "SIGTERM");
  if (!(await allEnded([guard], GUARD_LIMIT_MS))) await stopAll([guard]);
}

function runningIn(table: ProcessTable | undefined, owner: ProcessRecord | undefined): ProcessRecord[] {
  const supervisor = owner ?? table?.supervisor;
  return [...(supervisor === undefined ? [] : [supervisor]), ...(table?.children ?? [])].filter(isRunning);
}

async function allEnded(records: readonly ProcessRecord[], limitMs: number): Promise<boolean> {
  const deadlineMs = Date.now() + limitMs;
  while (records.some(isRunning)) {
    if (Date.now() >= deadlineMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}
