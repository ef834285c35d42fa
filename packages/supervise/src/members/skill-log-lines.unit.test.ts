import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseSkillLogLine, skillLogLines } from "./skill-log-lines.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "skill-log-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe("skillLogLines()", () => {
  test("has the lines of the log before it and of the log, within the bytes that are asked for", () => {
    const file = join(dir, "greeter.log");
    expect(skillLogLines(file)).toEqual([]);
    writeFileSync(`${file}.1`, "one\ntwo\n");
    writeFileSync(file, "three\nfour\n");
    expect(skillLogLines(file)).toEqual(["one", "two", "three", "four"]);
    expect(skillLogLines(file, 16)).toEqual(["two", "three", "four"]);
    expect(skillLogLines(file, 8)).toEqual(["four"]);
    expect(skillLogLines(file, 0)).toEqual([]);
  });
});

describe("parseSkillLogLine()", () => {
  test("reads what the daemon writes, and nothing else", () => {
    const line = {
      ts: "2026-01-05T07:00:00.000Z",
      level: "warn",
      from: "skill",
      message: "x",
      fields: { n: 1 },
    };
    expect(parseSkillLogLine(JSON.stringify(line))).toEqual(line);
    const others = ["", "no JSON", "null", '"x"', "{}", JSON.stringify({ ...line, level: "loud" })];
    for (const other of others) expect(parseSkillLogLine(other)).toBe(undefined);
  });
});
