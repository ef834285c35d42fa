import { existsSync, readFileSync, rmSync } from "node:fs";
import { assertOwnFolder, STATE_FOLDER, startTimeOf, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { processesFile } from "@adaos/provision";

/** By what the supervisor is found among the run files, as a daemon is by its id. */
export const SUPERVISOR = "supervisor";

/** A process by its id and by what tells it from a later one of the same id. */
export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  readonly identity: string;
}

/** A process that the supervisor keeps, and the command line it runs. */
export interface ChildRecord extends ProcessRecord {
  readonly command?: readonly string[];
  /** It has been found well since it was started: then silence means that something is wrong. */
  readonly hasAnswered?: boolean;
}

/** What the processes are started from. */
export interface Programs {
  /** The nats-server. */
  readonly natsServer: string;
  /** The file of the `adaos` program, which runs a daemon as `adaos node ROLE`. */
  readonly adaos: string;
}

/** Everything started from one state folder. */
export interface ProcessTable {
  readonly supervisor: ProcessRecord;
  /** The process that brings the supervisor back. */
  readonly guard?: ProcessRecord;
  readonly children: readonly ChildRecord[];
  readonly programs?: Programs;
}

export function recordOf(name: string, pid: number): ProcessRecord {
  return { name, pid, identity: identityOf(pid) ?? "" };
}

export function writeProcessTable(stateDir: string, table: ProcessTable): void {
  writeWhole(processesFile(stateDir), textOf(table));
}

/** Whether that very table can be read there. */
export function isWritten(stateDir: string, table: ProcessTable): boolean {
  try {
    return readFileSync(processesFile(stateDir), "utf8") === textOf(table);
  } catch {
    return false;
  }
}

function textOf(table: ProcessTable): string {
  return `${JSON.stringify(table)}\n`;
}

/** Nothing where there is none, or one that is spoilt. */
export function readProcessTable(stateDir: string): ProcessTable | undefined {
  // What it lists may be killed.
  assertOwnFolder(stateDir, STATE_FOLDER);
  const file = processesFile(stateDir);
  if (!existsSync(file)) return undefined;
  try {
    const table = JSON.parse(readFileSync(file, "utf8")) as Partial<ProcessTable> | null;
    if (typeof table?.supervisor?.pid === "number" && Array.isArray(table.children))
      return table as ProcessTable;
    throw new MeshError("invalid-config", `${file} lists no processes`);
  } catch (cause) {
    // Children are found by their mark there, and a supervisor that runs writes it anew.
    if (process.platform === "linux") return undefined;
    const what = `${file} cannot be read; stop what it lists by hand, then remove it`;
    throw MeshError.from(cause, "invalid-config", what);
  }
}

export function removeProcessTable(stateDir: string): void {
  rmSync(processesFile(stateDir), { force: true });
}

/** Whether that very process still runs. */
export function isRunning({ pid, identity }: ProcessRecord): boolean {
  return identity !== "" && identityOf(pid) === identity;
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

/** Everything of this folder that runs now: servers, daemons, supervisor and its guard. */
export function runningProcesses(stateDir: string): readonly ProcessRecord[] {
  const table = readProcessTable(stateDir);
  if (table === undefined) return [];
  const { supervisor, guard, children } = table;
  return [...children, supervisor, ...(guard === undefined ? [] : [guard])].filter(isRunning);
}

/** Asks it to end in order; one that stands still is made to go on, or it would never know. */
export function askToEnd(record: ProcessRecord): void {
  signalProcess(record, "SIGTERM");
  if (process.platform !== "win32") signalProcess(record, "SIGCONT");
}

let boot: string | undefined;

/** Linux counts start times from the boot: the same process of the next boot may have the same one. */
function identityOf(pid: number): string | undefined {
  const started = startTimeOf(pid);
  boot ??= bootId();
  return started === undefined ? undefined : `${boot}${started}`;
}

function bootId(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/`;
  } catch {
    // Not Linux: start times are dates there.
    return "";
  }
}
