import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeFolder } from "./make-folder.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-folder-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("makeFolder()", () => {
  test("makes those above it too, and nothing where it is there", () => {
    makeFolder(join(dir, "a/b/c"), 0o700);
    makeFolder(join(dir, "a/b/c"), 0o700);
    for (const made of ["a", "a/b", "a/b/c"]) expect(statSync(join(dir, made)).mode & 0o777).toBe(0o700);
  });

  test("throws what the system says, and comes to an end where no folder can be made", () => {
    writeFileSync(join(dir, "file"), "");
    expect(() => makeFolder(join(dir, "file"))).toThrow(/EEXIST/);
    expect(() => makeFolder(join(dir, "file/below"))).toThrow(/ENOTDIR|EEXIST/);
    if (process.platform === "linux") expect(() => makeFolder("/proc/none/below")).toThrow(/ENOENT/);
  });
});
