import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import {
  layoutFile,
  logFilePath,
  nodeFilePath,
  nodeId,
  nodeOfFile,
  resolveStateDir,
  runFilePath,
} from "./state-dir.ts";

describe("resolveStateDir()", () => {
  test("takes the option, then the environment, then .adaos here", () => {
    expect(resolveStateDir("/a", { ADAOS_STATE: "/b" })).toBe("/a");
    expect(resolveStateDir(undefined, { ADAOS_STATE: "/b" })).toBe("/b");
    expect(resolveStateDir(undefined, {})).toBe(resolve(".adaos"));
  });

  test("takes an empty variable of a shell for none, and not for the folder where the shell is", () => {
    expect(resolveStateDir(undefined, { ADAOS_STATE: "" })).toBe(resolve(".adaos"));
    expect(resolveStateDir("", { ADAOS_STATE: "" })).toBe(resolve(".adaos"));
  });

  test("makes a path absolute", () => {
    expect(resolveStateDir("x/../y", {})).toBe(resolve("y"));
  });
});

describe("nodeId()", () => {
  test("names the root and a node of a subnet", () => {
    expect([nodeId("root"), nodeId({ subnet: "alpha", node: "hub" })]).toEqual(["root", "alpha/hub"]);
  });
});

describe("layoutFile(), nodeFilePath(), runFilePath(), logFilePath()", () => {
  test("lie in the state folder", () => {
    expect([
      layoutFile("/s"),
      nodeFilePath("/s", "alpha/kitchen"),
      runFilePath("/s", "alpha/kitchen"),
      logFilePath("/s", "alpha/kitchen"),
    ]).toEqual([
      "/s/mesh.json",
      "/s/nodes/alpha/kitchen.json",
      "/s/run/alpha_kitchen.json",
      "/s/logs/alpha_kitchen.log",
    ]);
  });

  test("never give two nodes one file: no name holds an underscore", () => {
    const ids = ["root", "a/b", "a-b/c", "a/b-c", "ab/c", "a/bc"];
    for (const pathOf of [nodeFilePath, runFilePath, logFilePath]) {
      expect(new Set(ids.map((id) => pathOf("/s", id))).size).toBe(ids.length);
    }
  });
});

describe("nodeOfFile()", () => {
  test("finds folder and node of each node's file, and nothing of a file that lies elsewhere", () => {
    for (const id of ["root", "root-2", "alpha/hub", "alpha/kitchen"])
      expect(nodeOfFile(nodeFilePath("/state/nodes", id))).toEqual({ stateDir: "/state/nodes", id });
    expect([nodeOfFile("/etc/adaos/kitchen.json"), nodeOfFile("/s/nodes/a/b/c.json")]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
