import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../test/kit/stand-ins.ts";
import { configErrorOf } from "./config-error.ts";
import {
  keepLastGood,
  nodeFileError,
  readLastGoodNode,
  removeNodeFile,
  restoreNodeFile,
} from "./last-good.ts";
import { readNodeFile } from "./node-file.ts";

const NODE = {
  role: "member",
  mesh: "demo",
  server: { url: "nats://127.0.0.1:4222", seedFile: "kitchen.nk" },
  subnet: "alpha",
  node: "kitchen",
  registry: "schemas",
  policy: [],
};

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-last-good-"));
  file = join(dir, "kitchen.json");
  writeFileSync(file, JSON.stringify(NODE));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const spoil = (): void => writeFileSync(file, "{");

describe("readLastGoodNode()", () => {
  test("reads the file while it is whole, whatever was kept before", () => {
    keepLastGood(readNodeFile(file, "member"));
    writeFileSync(file, JSON.stringify({ ...NODE, tenant: "other" }));
    const { loaded, broken } = readLastGoodNode(file, "member");
    expect([loaded.config.tenant, broken]).toEqual(["other", undefined]);
  });

  test("reads the copy of what was in force when the file is broken, and says why", () => {
    const { digest } = readNodeFile(file, "member");
    keepLastGood({ file, digest });
    spoil();
    const { loaded, broken } = readLastGoodNode(file, "member");
    expect([loaded.digest, loaded.file, loaded.path("x")]).toEqual([digest, file, join(dir, "x")]);
    expect(broken?.message).toContain("kitchen.json:1:");
  });

  test("blames the file where the copy is broken, too", () => {
    keepLastGood(readNodeFile(file, "member"));
    spoil();
    writeFileSync(`${file}.last-good`, "no JSON: [");
    expect(meshErrorOf(() => readLastGoodNode(file, "member")).message).toContain("kitchen.json:1:");
  });

  test("throws when nothing was kept, and when the file is gone: then its node is, too", () => {
    spoil();
    expect(meshErrorOf(() => readLastGoodNode(file, "member")).code).toBe("invalid-config");
    writeFileSync(file, JSON.stringify(NODE));
    keepLastGood(readNodeFile(file, "member"));
    rmSync(file);
    expect(meshErrorOf(() => readLastGoodNode(file, "member")).message).toContain("cannot be read");
  });
});

describe("nodeFileError()", () => {
  test("says what holds meanwhile, and what to do", () => {
    const remedy = "adaos policy apply or adaos up writes the file anew";
    const broken = new Error("kitchen.json:1:2 no such key");
    expect(nodeFileError(file, broken).remedy).toBe(`the last good version is in force; ${remedy}`);
    expect(nodeFileError(file, broken, false)).toMatchObject({
      place: "kitchen.json:1:2",
      remedy: `the node does nothing until it is mended; ${remedy}`,
    });
  });
});

describe("keepLastGood()", () => {
  test("keeps no version that is not the one in force", () => {
    const { digest } = readNodeFile(file, "member");
    spoil();
    keepLastGood({ file, digest });
    expect(meshErrorOf(() => readLastGoodNode(file, "member")).code).toBe("invalid-config");
  });
});

describe("restoreNodeFile() and removeNodeFile()", () => {
  test("put the copy back where the file is broken, and leave nothing of either", () => {
    const before = readFileSync(file, "utf8");
    keepLastGood(readNodeFile(file, "member"));
    expect(restoreNodeFile(file, "member")).toBe(false);
    spoil();
    expect([restoreNodeFile(file, "member"), readFileSync(file, "utf8")]).toEqual([true, before]);
    removeNodeFile(file);
    writeFileSync(file, "{");
    expect(meshErrorOf(() => readLastGoodNode(file, "member")).code).toBe("invalid-config");
  });
});

describe("configErrorOf()", () => {
  test("tells the place where one is to blame", () => {
    expect(
      configErrorOf("/m/mesh.yaml", new Error("m/mesh.yaml:3:5 no such key\nand more"), "mend it"),
    ).toEqual({
      file: "/m/mesh.yaml",
      place: "m/mesh.yaml:3:5",
      message: "no such key\nand more",
      remedy: "mend it",
    });
    expect(configErrorOf("/m", "gone", "mend it")).toEqual({
      file: "/m",
      message: "gone",
      remedy: "mend it",
    });
  });
});
