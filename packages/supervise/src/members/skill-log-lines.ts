import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import type { SkillLogLine } from "@adaos/skills";
import { z } from "zod";

/** A log and the one before it have less. */
const ALL_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;

const form = z.object({
  ts: z.string(),
  level: z.enum(["debug", "info", "warn", "error"]),
  from: z.enum(["skill", "stdout", "stderr", "daemon"]),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).optional(),
});

/**
 * The newest lines of a skill's log and of the log before it, oldest first. None where there is no log.
 * @param maxBytes Older lines are left out.
 */
export function skillLogLines(file: string, maxBytes: number = ALL_BYTES): string[] {
  const newest = endOf(file, maxBytes);
  const older = endOf(`${file}.1`, maxBytes - newest.length);
  return [...linesOf(older), ...linesOf(newest)];
}

/** A line of a log as it was written; undefined for one that a full disk has cut. Pure. */
export function parseSkillLogLine(line: string): SkillLogLine | undefined {
  try {
    const { fields, ...rest } = form.parse(JSON.parse(line));
    return fields === undefined ? rest : { ...rest, fields };
  } catch {
    return undefined;
  }
}

function linesOf(bytes: Buffer): string[] {
  return bytes
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** The whole lines at the end of a file. */
function endOf(file: string, maxBytes: number): Buffer {
  if (maxBytes <= 0 || !existsSync(file)) return Buffer.alloc(0);
  const handle = openSync(file, "r");
  try {
    const { size } = fstatSync(handle);
    const from = Math.max(0, size - maxBytes);
    const bytes = Buffer.alloc(size - from);
    const read = readSync(handle, bytes, 0, bytes.length, from);
    const whole = bytes.subarray(0, read);
    return from === 0 ? whole : whole.subarray(whole.indexOf(NEWLINE) + 1);
  } finally {
    closeSync(handle);
  }
}
