import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { MemberMarks } from "./member-marks.ts";

const HOUR_MS = 3_600_000;
/** Keys of effects. */
const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(32)) as [string, string, string];
let dir: string;
const log = new RecordingLog();
const opened: MemberMarks[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-marks-"));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((marks) => marks.close()));
  rmSync(dir, { recursive: true, force: true });
});

function open(): MemberMarks {
  const marks = new MemberMarks({ dir, maxAgeMs: HOUR_MS, log });
  opened.push(marks);
  return marks;
}

const has = async (marks: MemberMarks, key: string): Promise<boolean> => marks.has("d", key, Date.now());

test("handling goes on when the folder of marks was removed, and no known effect is repeated", async () => {
  const marks = open();
  await Promise.all([marks.mark("d", A, false), marks.mark("d", B, false)]);
  rmSync(dir, { recursive: true });
  await expect.poll(async () => [await has(marks, C), existsSync(dir)]).toEqual([false, true]);
  expect([await has(marks, A), await has(marks, B)]).toEqual([true, true]);
  await expect(marks.mark("d", C, false)).rejects.toMatchObject({ code: "unavailable" });
  await marks.mark("d", C, false);
  expect(await has(open(), C)).toBe(true);
  expect(log.lines.map(({ event }) => event)).toContain("the folder of marks was removed, and is made anew");
});
