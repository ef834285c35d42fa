import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { appliedNow, noteApplied, noteStarted } from "./applied.ts";

let dir: string;
let meshFile: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-applied-"));
  meshFile = join(dir, "mesh.yaml");
  writeFileSync(meshFile, "mesh: one\n");
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("appliedNow()", () => {
  test("names the application until the mesh file is another", () => {
    noteApplied(dir, { text: "mesh: one\n" });
    expect(appliedNow(dir, meshFile)).toMatch(/^[0-9a-f]{64} ./);
    writeFileSync(meshFile, "mesh: two\n");
    expect(appliedNow(dir, meshFile)).toBeUndefined();
  });

  test.each(["", '{"meshFile":"ab', "null", "7"])(
    "takes a spoilt note for none, and a start writes another: %j",
    (text) => {
      writeFileSync(join(dir, "applied.json"), text);
      expect(appliedNow(dir, meshFile)).toBeUndefined();
      noteStarted(dir, { text: "mesh: one\n" });
      expect(appliedNow(dir, meshFile)).toBeDefined();
    },
  );

  test("refuses the note of a later version", () => {
    writeFileSync(join(dir, "applied.json"), '{"format":99}');
    expect(() => appliedNow(dir, meshFile)).toThrow(/has format 99/);
  });
});
