import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { startTimeOf } from "@adaos/config";

/*
 * The name of a file that belongs to one process of a node shows its owner:
 * `<pid>-<start time>-<place>-<age>-<random>`. Its suffix shows its kind, `.outbox` or `.marks`. The place is a boot of
 * a machine and a group of processes that see one another there. A file without an owner is named
 * `left-<age>-<random>`. The age stays with the file when its owner changes: outboxes are forwarded and marks forgotten
 * in that order.
 */

/** When its process cannot be seen from here, a file counts as owned until it has been untouched for this long. */
export const STALE_MS = 60_000;

/** A new name for a file of this process. @param age Age of an adopted file; a new file is younger than all before. */
export function ownName(suffix: string, age: string = newAge()): string {
  identity ??= `${process.pid}-${startTimeOf(process.pid) ?? "0"}-${placeHere()}`;
  return `${identity}-${age}-${randomBytes(6).toString("hex")}${suffix}`;
}

let identity: string | undefined;

/** A new name for a file that this process leaves to another. */
export function leftName(suffix: string, age: string): string {
  return `left-${age}-${randomBytes(6).toString("hex")}${suffix}`;
}

/** The age of a file from its name: as text, an earlier one is less. */
export function ageOf(name: string): string {
  return name.split("-").at(-2) ?? "";
}

let lastAge = 0;

function newAge(): string {
  // Even two in one millisecond, or after the clock was set back, get ascending ages.
  lastAge = Math.max(Date.now(), lastAge + 1);
  return lastAge.toString(36).padStart(9, "0");
}

/** Whether the process in this file's name has ended; `touchedMs` is when the file was last touched. */
export function isAbandoned(name: string, touchedMs: number): boolean {
  if (name.startsWith("left-")) return true;
  const [pid = "", startTime, place] = name.split("-");
  if (place !== placeHere()) return Date.now() - touchedMs > STALE_MS;
  return startTimeOf(Number(pid)) !== startTime;
}

let place: string | undefined;

/**
 * Distinguishes boots, and containers with their own processes: process ids and times are not comparable across them.
 */
function placeHere(): string {
  if (place !== undefined) return place;
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").replaceAll("-", "").slice(0, 16);
    place = `${boot}.${readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "")}`;
  } catch {
    place = hostname().replaceAll(/[^A-Za-z0-9.]/g, "_");
  }
  return place;
}
