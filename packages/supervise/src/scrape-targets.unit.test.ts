import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { compiledPolicyText, type NodeFileInput, runFilePath } from "@adaos/config";
import type { Layout } from "@adaos/provision";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { remoteScrapeTargets, scrapeTargets } from "./scrape-targets.ts";

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

const TLS = { certFile: "c", keyFile: "k" };

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

describe("remoteScrapeTargets()", () => {
  test("names the nodes that other machines may scrape, whether they run or not", () => {
    const dir = mkdtempSync(join(tmpdir(), "targets-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const policy: NodeFileInput["policy"] = compiledPolicyText([]);
    const server = { url: "nats://127.0.0.1:1", seedFile: "seed" };
    const common = { mesh: "m", server, policy, registry: "r", subnet: "alpha", role: "member" } as const;
    const files = [
      {
        ...common,
        node: "kitchen",
        registryCache: "c",
        metrics: { host: "0.0.0.0", port: 9, tokenFile: "t", tls: TLS },
      },
      {
        ...common,
        node: "lamp",
        registryCache: "c",
        metrics: { host: "lamp.example", port: 9, tokenFile: "t", allowPlain: true },
      },
      { ...common, node: "desk", registryCache: "c" },
    ];
    const nodes = files.map((file) => {
      const nodeFile = join(dir, `${file.node}.json`);
      writeFileSync(nodeFile, JSON.stringify(file));
      return { id: `alpha/${file.node}`, role: "member" as const, nodeFile };
    });
    expect(remoteScrapeTargets({ ...LAYOUT, nodes })).toEqual({
      targets: [
        {
          targets: [`${hostname()}:9`],
          labels: { mesh: "m", daemon: "alpha/kitchen", __scheme__: "https" },
        },
        { targets: ["lamp.example:9"], labels: { mesh: "m", daemon: "alpha/lamp" } },
      ],
      silent: ["alpha/desk"],
    });
  });
});
