import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { startTimeOf } from "@adaos/config";

/*
 * The name of a file that belongs to one process of a node tells whose it is: `<pid>-<start
 * time>-<place>-<age>-<random>` and what it is, `.outbox` or `.marks`. The place is a boot of a machine and the
 * processes that see one another there. A file that nobody owns any more is named `left-<age>-<random>`. The age stays
 * with the file, whoever owns it: in that order outboxes are forwarded and marks forgotten.
 */

/** A file of a process that cannot be seen from here is its own until it has not been touched for this long. */
export const STALE_MS = 60_000;

/**
 * A new name for a file of this process. @param age Of a file that is taken over; a new one is younger than all before.
 */
export function ownName(suffix: string, age: string = newAge()): string {
  identity ??= `${process.pid}-${startTimeOf(process.pid) ?? "0"}-${placeHere()}`;
  return `${identity}-${age}-${randomBytes(6).toString("hex")}${suffix}`;
}

let identity: string | undefined;

/** A new name for a file that this process leaves to whoever comes. */
export function leftName(suffix: string, age: string): string {
  return `left-${age}-${randomBytes(6).toString("hex")}${suffix}`;
}

/** When a file was begun, by its name: as text, earlier is less. */
export function ageOf(name: string): string {
  return name.split("-").at(-2) ?? "";
}

let lastAge = 0;

function newAge(): string {
  // Two of one millisecond, or a clock that is set back: still one after the other.
  lastAge = Math.max(Date.now(), lastAge + 1);
  return lastAge.toString(36).padStart(9, "0");
}

/** Whether the process that this file's name tells of has ended, the file having last been touched at `touchedMs`. */
export function isAbandoned(name: string, touchedMs: number): boolean {
  if (name.startsWith("left-")) return true;
  const [pid = "", startTime, place] = name.split("-");
  if (place !== placeHere()) return Date.now() - touchedMs > STALE_MS;
  return startTimeOf(Number(pid)) !== startTime;
}

let place: string | undefined;

/**
 * Tells boots, and containers with processes of their own, from one another: ids and times mean nothing across them.
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
