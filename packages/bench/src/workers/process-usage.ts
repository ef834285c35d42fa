import { readFileSync } from "node:fs";

/** A process's use of the machine. */
export interface ProcessUsage {
  readonly rssMb: number;
  /** Like RSS, with shared pages divided among their processes. Undefined where the system does not report it. */
  readonly pssMb: number | undefined;
  /** Since its start. */
  readonly cpuMs: number;
}

/** Milliseconds of a tick: `USER_HZ` is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** Reads it from `/proc`, which only Linux has. Throws when the process has ended. */
export function readUsage(pid: number): ProcessUsage {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    rssMb: kilobytesOf(status, "VmRSS") / 1024,
    pssMb: readPss(pid),
    cpuMs: cpuTicksOf(readFileSync(`/proc/${pid}/stat`, "utf8")) * TICK_MS,
  };
}

function readPss(pid: number): number | undefined {
  try {
    return kilobytesOf(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"), "Pss") / 1024;
  } catch {
    return undefined;
  }
}

/** The value of a line like `VmRSS:   1234 kB`. Pure. */
export function kilobytesOf(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]);
}

/** Ticks in user and in kernel mode, of the text of `/proc/<pid>/stat`. Pure. */
export function cpuTicksOf(stat: string): number {
  // The second field is the program's name in brackets, which may contain spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
