import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeNew, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { randomId } from "@adaos/core/wire";
import { isRunning, type ProcessRecord } from "./process-table.ts";

const MAX_ATTEMPTS = 100;

/** A lock that lasts until it is released or its holder has died. */
export interface StateLock {
  /** Creates the lock file again when somebody has removed or damaged it. Throws the system's error. */
  renew(): void;
  release(): void;
}

/**
 * Takes a lock of a state folder, or returns its holder.
 *
 * The lock is the highest of the files `locks/NAME.1`, `.2`, …, and its maker holds the lock while it lives. A file is
 * created once, in one step with its content. It is removed only when there is a higher one. So of those who find the
 * holder dead, only one creates the next file. Removing the dead holder's file and creating it again would let two win:
 * the slower one removes the file that the faster one has just created.
 */
export function takeLock(stateDir: string, name: string, holder: ProcessRecord): StateLock | ProcessRecord {
  const dir = join(stateDir, "locks");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const fileOf = (number: number): string => join(dir, `${name}.${number}`);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const last = highest(dir, name);
    const other = last === 0 ? undefined : holderIn(fileOf(last));
    if (other !== undefined && isRunning(other)) return other;
    if (!make(fileOf(last + 1), holder)) continue;
    // Others may have advanced the lock meanwhile by more than one number.
    if (highest(dir, name) > last + 1) {
      rmSync(fileOf(last + 1), { force: true });
      continue;
    }
    for (const number of numbersOf(dir, name)) {
      if (number <= last) rmSync(fileOf(number), { force: true });
    }
    const own = fileOf(last + 1);
    return {
      renew: () => {
        if (highest(dir, name) <= last + 1 && holderIn(own)?.pid !== holder.pid)
          writeWhole(own, `${JSON.stringify(holder)}\n`);
      },
      // Not removed: the numbers must go on from here.
      release: () => writeWhole(own, ""),
    };
  }
  throw new MeshError("unavailable", `${name} of ${stateDir} cannot be locked; too many others try`);
}

/** The present holder of a lock; undefined when it is free. */
export function lockHolder(stateDir: string, name: string): ProcessRecord | undefined {
  const dir = join(stateDir, "locks");
  const last = highest(dir, name);
  const holder = last === 0 ? undefined : holderIn(join(dir, `${name}.${last}`));
  return holder !== undefined && isRunning(holder) ? holder : undefined;
}

export function isLock(taken: StateLock | ProcessRecord): taken is StateLock {
  return "release" in taken;
}

/** Whether the file was created; never overwrites one that exists. */
function make(file: string, holder: ProcessRecord): boolean {
  const staged = `${file}.${randomId()}.new`;
  writeNew(staged, `${JSON.stringify(holder)}\n`, 0o600);
  try {
    linkSync(staged, file);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw thrown;
  } finally {
    rmSync(staged, { force: true });
  }
}

function holderIn(file: string): ProcessRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessRecord;
  } catch {
    // Released, or removed by the maker of a higher one.
    return undefined;
  }
}

function highest(dir: string, name: string): number {
  return Math.max(0, ...numbersOf(dir, name));
}

function numbersOf(dir: string, name: string): number[] {
  let entries: string[];
  try {
    entries = readdirSync(dir);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw thrown;
  }
  const prefix = `${name}.`;
  return entries.flatMap((entry) => {
    const number = entry.startsWith(prefix) ? entry.slice(prefix.length) : "";
    return /^\d{1,15}$/.test(number) ? [Number(number)] : [];
  });
}
