import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runFilePath } from "@adaos/config";
import type { Layout } from "@adaos/provision";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { scrapeTargets } from "./scrape-targets.ts";

const LAYOUT: Layout = {
  mesh: "m",
  registryDir: "",
  ports: {},
  servers: [],
  nodes: [
    { id: "root", role: "root", nodeFile: "" },
    { id: "alpha/hub", role: "hub", nodeFile: "" },
  ],
};

describe("scrapeTargets()", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "targets-"));
    mkdirSync(dirname(runFilePath(dir, "root")));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test("names each daemon that runs, and those that do not", () => {
    writeFileSync(runFilePath(dir, "alpha/hub"), '{"statusUrl":"http://127.0.0.1:4711"}');
    expect(scrapeTargets(LAYOUT, dir)).toEqual({
      targets: [{ targets: ["127.0.0.1:4711"], labels: { mesh: "m", daemon: "alpha/hub" } }],
      silent: ["supervisor", "root"],
    });
  });

  test("says which file cannot be read", () => {
    writeFileSync(runFilePath(dir, "root"), "{");
    expect(() => scrapeTargets(LAYOUT, dir)).toThrow(expect.objectContaining({ code: "invalid-config" }));
  });
});
