import { existsSync, readFileSync, rmSync } from "node:fs";
import { assertOwnFolder, STATE_FOLDER, startTimeOf, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { processesFile } from "@adaos/provision";

/** A process by its id and by what tells it from a later one of the same id. */
export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  readonly identity: string;
}

/** Everything started from one state folder. */
export interface ProcessTable {
  readonly supervisor: ProcessRecord;
  readonly children: readonly ProcessRecord[];
}

export function recordOf(name: string, pid: number): ProcessRecord {
  return { name, pid, identity: startTimeOf(pid) ?? "" };
}

export function writeProcessTable(stateDir: string, table: ProcessTable): void {
  const file = processesFile(stateDir);
  writeWhole(file, `${JSON.stringify(table)}\n`);
}

export function readProcessTable(stateDir: string): ProcessTable | undefined {
  // What it lists may be killed.
  assertOwnFolder(stateDir, STATE_FOLDER);
  const file = processesFile(stateDir);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessTable;
  } catch (cause) {
    const what = `${file} cannot be read; stop what it lists by hand, then remove it`;
    throw MeshError.from(cause, "invalid-config", what);
  }
}

export function removeProcessTable(stateDir: string): void {
  rmSync(processesFile(stateDir), { force: true });
}

/** Whether that very process still runs. */
export function isRunning({ pid, identity }: ProcessRecord): boolean {
  return identity !== "" && startTimeOf(pid) === identity;
}

/** Sends a signal to that very process; nothing when it has ended. */
export function signalProcess(record: ProcessRecord, signal: NodeJS.Signals): void {
  if (!isRunning(record)) return;
  try {
    process.kill(record.pid, signal);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
}

/** The servers and daemons of this folder that run now. */
export function runningProcesses(stateDir: string): readonly ProcessRecord[] {
  return (readProcessTable(stateDir)?.children ?? []).filter(isRunning);
}
