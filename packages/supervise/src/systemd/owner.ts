import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { MeshError } from "@adaos/core";

/** The user to whom a state folder belongs, and as whom its processes run. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  readonly group: string;
  readonly home: string;
}

/** Throws `invalid-config` when the system does not know the user. A folder that is still missing will be our own. */
export function ownerOf(stateDir: string): Owner {
  const uid = existsSync(stateDir) ? lstatSync(stateDir).uid : (process.geteuid?.() ?? 0);
  const [name = "", , , gid = "", , home = ""] = entryOf("passwd", uid).split(":");
  const [group = ""] = entryOf("group", Number(gid)).split(":");
  return { uid, gid: Number(gid), name, group, home };
}

function entryOf(database: "passwd" | "group", id: number): string {
  try {
    return execFileSync("getent", [database, String(id)], { encoding: "utf8", timeout: 10_000 }).trim();
  } catch (cause) {
    throw new MeshError(
      "invalid-config",
      `no ${database === "passwd" ? "user" : "group"} of this machine has the number ${id}, to which the state folder belongs; chown it`,
      { cause },
    );
  }
}

/**
 * Does the work with the rights of the owner, when root runs this: root must not follow links that the owner has
 * made, and must not leave files that the owner cannot change.
 */
export async function asOwner<T>({ uid, gid }: Owner, work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0 || uid === 0) return work();
  const groups = process.getgroups?.() ?? [];
  const before = process.getegid?.() ?? 0;
  process.setgroups?.([gid]);
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(before);
    process.setgroups?.(groups);
  }
}

/** Throws `invalid-config` when the owner cannot read a file, or run a program. */
export function assertUsable(file: string, what: string, { uid, gid, name }: Owner, bit: 4 | 1): void {
  if (!existsSync(file))
    throw new MeshError("invalid-config", `${what} ${file} is gone; install it again, then run this again`);
  if (uid === 0) return;
  const may = (path: string, wanted: number): boolean => {
    const { mode, uid: owner, gid: group } = statSync(path);
    const shift = owner === uid ? 6 : group === gid ? 3 : 0;
    return ((mode >> shift) & wanted) !== 0;
  };
  for (let dir = dirname(file); ; dir = dirname(dir)) {
    if (!may(dir, 1)) throw unusable(what, file, name, dir);
    if (dir === dirname(dir)) break;
  }
  if (!may(file, bit)) throw unusable(what, file, name, file);
}

function unusable(what: string, file: string, name: string, at: string): MeshError {
  return new MeshError(
    "invalid-config",
    `${name}, to whom the state folder belongs, cannot use ${what} ${file}: ${at} is closed to this user; install it for all users, for example below /usr/local or /opt`,
  );
}
