import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { writeNew } from "./write-whole.ts";

test("writeNew() makes a file, and overwrites and removes none that is there", () => {
  const dir = mkdtempSync(join(tmpdir(), "adaos-new-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "file");
  writeNew(file, "first", 0o600);
  expect(() => writeNew(file, "second")).toThrow(expect.objectContaining({ code: "EEXIST", path: file }));
  expect(() => writeNew(join(dir, "none", "file"), "")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  expect(readFileSync(file, "utf8")).toBe("first");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(["file"]);
});
