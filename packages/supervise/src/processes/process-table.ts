import { existsSync, readFileSync, rmSync } from "node:fs";
import { assertOwnFolder, STATE_FOLDER, startTimeOf, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { FORMATS, inFormat, isNewer, withFormat } from "@adaos/core/wire";
import { processesFile } from "@adaos/provision";

/** Name of the supervisor among the run files, as a daemon has its id. */
export const SUPERVISOR = "supervisor";

/** Name of the viewer, likewise. */
export const VIEWER = "viewer";

/** A process by its id, and by what distinguishes it from a later process of the same id. */
export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  readonly identity: string;
}

/** A process that the supervisor keeps, and its command line. */
export interface ChildRecord extends ProcessRecord {
  readonly command?: readonly string[];
  /** It has been well since its start, so silence means that something is wrong. */
  readonly hasAnswered?: boolean;
}

/** The programs that the processes run. */
export interface Programs {
  /** The nats-server. */
  readonly natsServer: string;
  /** The file of the `adaos` program, which runs a daemon as `adaos node ROLE`. */
  readonly adaos: string;
}

/** All processes started from one state folder. */
export interface ProcessTable {
  readonly supervisor: ProcessRecord;
  /** The process that restarts the supervisor. */
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

/** Whether exactly that table can be read there. */
export function isWritten(stateDir: string, table: ProcessTable): boolean {
  try {
    return readFileSync(processesFile(stateDir), "utf8") === textOf(table);
  } catch {
    return false;
  }
}

function textOf(table: ProcessTable): string {
  return `${JSON.stringify(withFormat(FORMATS.processTable, table))}\n`;
}

/** Undefined when there is none, or a damaged one. */
export function readProcessTable(stateDir: string): ProcessTable | undefined {
  // The processes that the table lists may be killed.
  assertOwnFolder(stateDir, STATE_FOLDER);
  const file = processesFile(stateDir);
  if (!existsSync(file)) return undefined;
  const found = readTable(file);
  return found === undefined
    ? undefined
    : (inFormat(FORMATS.processTable, found, file) as unknown as ProcessTable);
}

function readTable(file: string): object | undefined {
  try {
    const table = JSON.parse(readFileSync(file, "utf8")) as Partial<ProcessTable> | null;
    // Of a later version: its processes must not be taken for lost ones.
    if (table !== null && isNewer(FORMATS.processTable, table)) return table;
    if (typeof table?.supervisor?.pid === "number" && Array.isArray(table.children)) return table;
    throw new MeshError("invalid-config", `${file} lists no processes`);
  } catch (cause) {
    // Children are found by their mark there, and a running supervisor writes the table again.
    if (process.platform === "linux") return undefined;
    const what = `${file} cannot be read; stop what it lists by hand, then remove it`;
    throw MeshError.from(cause, "invalid-config", what);
  }
}

export function removeProcessTable(stateDir: string): void {
  rmSync(processesFile(stateDir), { force: true });
}

/** Whether exactly that process still runs. */
export function isRunning({ pid, identity }: ProcessRecord): boolean {
  return identity !== "" && identityOf(pid) === identity;
}

/** Sends a signal to exactly that process; does nothing when it has ended. */
export function signalProcess(record: ProcessRecord, signal: NodeJS.Signals): void {
  if (!isRunning(record)) return;
  try {
    process.kill(record.pid, signal);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
}

/** Every process of this folder that runs now: servers, daemons, supervisor and its guard. */
export function runningProcesses(stateDir: string): readonly ProcessRecord[] {
  const table = readProcessTable(stateDir);
  if (table === undefined) return [];
  const { supervisor, guard, children } = table;
  return [...children, supervisor, ...(guard === undefined ? [] : [guard])].filter(isRunning);
}

/** The supervisor of the mesh that runs from this folder. */
export function runningSupervisor(stateDir: string): ProcessRecord | undefined {
  const supervisor = readProcessTable(stateDir)?.supervisor;
  return supervisor !== undefined && isRunning(supervisor) ? supervisor : undefined;
}

/** Asks the process to end in order. A suspended process is resumed, since otherwise it would never know. */
export function askToEnd(record: ProcessRecord): void {
  signalProcess(record, "SIGTERM");
  if (process.platform !== "win32") signalProcess(record, "SIGCONT");
}

let boot: string | undefined;

/** Linux counts start times from the boot, so a process after the next boot may have the same one. */
function identityOf(pid: number): string | undefined {
  const started = startTimeOf(pid);
  boot ??= bootId();
  return started === undefined ? undefined : `${boot}${started}`;
}

function bootId(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/`;
  } catch {
    // Not Linux: the start time of other systems is a date.
    return "";
  }
}
