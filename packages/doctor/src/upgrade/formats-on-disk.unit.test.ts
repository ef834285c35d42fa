import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Layout } from "@adaos/provision";
import { afterEach, beforeEach, expect, test } from "vitest";
import { formatsOnDisk } from "./formats-on-disk.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-formats-"));
});
afterEach(() => rmSync(state, { recursive: true }));

const nodes = [{ id: "alpha/hub", role: "hub", nodeFile: "/nowhere" }] as const;
const layout = { nodes } as unknown as Layout;

test("a folder without files has no problem", () => {
  expect(formatsOnDisk(layout, state)).toEqual([]);
});

test.each([
  "mesh.json",
  "run/processes.json",
  "applied.json",
  "keys/joined.json",
  "invitations/abcdefgh.json",
  "machines/abcdefgh.json",
  "viewer/jobs/a.json",
  "positions/alpha_hub.json",
])("finds %s of a later version, or with a number that is none", (name) => {
  const file = join(state, name);
  mkdirSync(dirname(file), { recursive: true });
  for (const number of ["99", '"1"', "-1", "1e309", "1.5", "null"]) {
    const key = name.startsWith("positions") ? "version" : "format";
    writeFileSync(file, `{ "${key}": ${number}, "__proto__": { "${key}": 1 } }`);
    expect(formatsOnDisk(layout, state)).toMatchObject([{ place: file }]);
  }
});
