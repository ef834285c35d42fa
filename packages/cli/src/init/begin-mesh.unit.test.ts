import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMeshFile } from "@adaos/config";
import { lintPolicy, loadPolicy } from "@adaos/policy";
import { lintRegistry } from "@adaos/registry-tools";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { applyInit, planInit } from "./begin-mesh.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-init-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("planInit()", () => {
  test("writes nothing", () => {
    planInit(dir);
    expect(readdirSync(dir)).toEqual([]);
  });

  test("names the files that are in the way", () => {
    writeFileSync(join(dir, "mesh.yaml"), "");
    writeFileSync(join(dir, "hello.mts"), "");
    expect(() => planInit(dir)).toThrow(
      `${join(dir, "hello.mts")}, ${join(dir, "mesh.yaml")} are there already, and init overwrites nothing`,
    );
  });

  test("names a few of many", () => {
    applyInit(planInit(dir));
    expect(() => planInit(dir)).toThrow(/hello\.mts.* and \d more are there already/);
  });

  test("takes a link that leads nowhere for a file in the way", () => {
    symlinkSync(join(dir, "nowhere"), join(dir, "mesh.yaml"));
    expect(() => planInit(dir)).toThrow("mesh.yaml is there already");
  });

  test("says that a file is no folder, wherever on the way it stands", () => {
    writeFileSync(join(dir, "schemas"), "");
    for (const path of [dir, join(dir, "schemas"), join(dir, "schemas", "below")])
      expect(() => planInit(path)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  test("leaves alone what a folder of programs has", () => {
    for (const name of [".gitignore", "package.json", "tsconfig.json"]) writeFileSync(join(dir, name), "own");
    const plan = planInit(dir);
    expect([...plan.kept].sort()).toEqual([".gitignore", "package.json", "tsconfig.json"]);
    applyInit(plan);
    for (const name of plan.kept) expect(readFileSync(join(dir, name), "utf8")).toBe("own");
  });
});

describe("applyInit()", () => {
  test("makes a folder that is not there yet, with a .gitignore for the state folder", () => {
    const below = join(dir, "a", "b");
    applyInit(planInit(below));
    expect(readFileSync(join(below, ".gitignore"), "utf8")).toMatch(/^\.adaos\/$/m);
    expect(existsSync(join(below, "gitignore"))).toBe(false);
  });

  test("overwrites nothing that came after the plan, and leaves nothing behind", () => {
    const plan = planInit(dir);
    mkdirSync(join(dir, "schemas/events"), { recursive: true });
    const late = join(dir, "schemas/events/registry.yaml");
    writeFileSync(late, "own");
    expect(() => applyInit(plan)).toThrow("no mesh was begun");
    expect(readFileSync(late, "utf8")).toBe("own");
    expect(readdirSync(dir)).toEqual(["schemas"]);
  });

  test("begins with a mesh file and a registry that nobody has anything to say against", async () => {
    applyInit(planInit(dir));
    const { mesh, registryDir } = readMeshFile(join(dir, "mesh.yaml"));
    expect(registryDir).toBe(join(dir, "schemas/events"));
    expect([...mesh.subnets.keys()]).toEqual(["house", "office"]);
    expect(await lintRegistry(registryDir)).toMatchObject({ findings: [] });
    expect(lintPolicy(await loadPolicy(join(dir, "mesh.yaml")))).toEqual([]);
  });

  test("begins with packages of this version", () => {
    applyInit(planInit(dir));
    const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
    const { version } = read(new URL("../../package.json", import.meta.url).pathname);
    const { dependencies } = read(join(dir, "package.json"));
    expect(new Set(Object.values(dependencies))).toEqual(new Set([`^${version}`]));
  });
});
