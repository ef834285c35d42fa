import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../test/kit/stand-ins.ts";
import { type NodeFileInput, type NodeRole, readNodeFile } from "./node-file.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-node-file-"));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const KEY = `U${"A".repeat(55)}`;
const common = { mesh: "m", server: { url: "nats://127.0.0.1:4222", seedFile: "k.nk" } };

const SERVER = {
  configFile: "a.conf",
  systemSeedFile: "s.nk",
  host: "127.0.0.1",
  port: 1,
  storeDir: "store",
  durability: "synced" as const,
  systemKey: KEY,
};

const MEMBER: NodeFileInput = {
  role: "member",
  ...common,
  subnet: "alpha",
  node: "kitchen",
  registry: "../events",
  policy: [
    {
      verb: "publish",
      subnet: "alpha",
      node: "kitchen",
      rules: [["allow", "ui.", "alpha.kitchen.publish[0]"]],
    },
  ],
};

const ROOT: NodeFileInput = {
  role: "root",
  ...common,
  streams: {},
  policy: [{ verb: "import", subnet: "alpha", from: ["beta"], rules: [["deny", "*", "tenant-boundary"]] }],
  subnets: { alpha: { tenant: "acme", leafKey: KEY, nodes: ["kitchen"] } },
  natsServer: { ...SERVER, leafPort: 3, rootKey: KEY },
};

const HUB = {
  role: "hub",
  ...common,
  subnet: "alpha",
  streams: {},
  policy: [],
  members: { kitchen: { key: KEY } },
  natsServer: {
    ...SERVER,
    hubKey: KEY,
    rootUrl: "nats-leaf://127.0.0.1:3",
    leafSeedInclude: "leaf.conf",
    leafKey: KEY,
  },
} satisfies NodeFileInput;

function fileOf(content: object): string {
  const file = join(dir, "node.json");
  writeFileSync(file, JSON.stringify(content, undefined, 2));
  return file;
}

function problemOf(content: object, role: NodeRole = "member"): string {
  const { code, message } = meshErrorOf(() => readNodeFile(fileOf(content), role));
  expect(code).toBe("invalid-config");
  return message;
}

describe("readNodeFile()", () => {
  test.each<[NodeRole, NodeFileInput]>([
    ["member", MEMBER],
    ["hub", HUB],
    ["root", ROOT],
  ])("reads the file of a %s", (role, content) => {
    expect(readNodeFile(fileOf(content), role).config).toMatchObject({ role, mesh: "m" });
  });

  test("fills in where to answer, what to log and how rules read", () => {
    const { config } = readNodeFile(fileOf(MEMBER), "member");
    expect(config.http).toEqual({ host: "127.0.0.1", port: 0 });
    expect(config.log).toEqual({ level: "info" });
    expect(config.policy).toMatchObject([{ effect: "allow", node: "kitchen", pattern: { kind: "prefix" } }]);
  });

  test("gives a member no outbox where the file names no folder for it, else a bounded one", () => {
    expect(readNodeFile(fileOf(MEMBER), "member").config.outbox).toBeUndefined();
    const { config } = readNodeFile(fileOf({ ...MEMBER, outbox: { dir: "outbox" } }), "member");
    expect(config.outbox).toEqual({ dir: "outbox", maxBytes: 67_108_864, maxEvents: 100_000 });
  });

  test("resolves a path from the file that names it", () => {
    const { path } = readNodeFile(fileOf(MEMBER), "member");
    expect([path("keys/k.nk"), path("/etc/k.nk")]).toEqual([join(dir, "keys/k.nk"), "/etc/k.nk"]);
  });

  test("refuses the file of another role and says where", () => {
    expect(problemOf(ROOT, "hub")).toMatch(/node\.json:2:11 is the file of a root, not of a hub$/);
  });

  test.each([
    ["no role", { ...MEMBER, role: undefined }, /:1:1 role: /],
    ["a role that is none", { ...MEMBER, role: "boss" }, /:2:11 role: /],
    ["an unknown key", { ...MEMBER, nodes: 1 }, /unknown key "nodes"/],
    [
      "a password in the address",
      { ...MEMBER, server: { ...common.server, url: "nats://u:p@h:1" } },
      /without a password/,
    ],
    ["another scheme", { ...MEMBER, server: { ...common.server, url: "http://h:1" } }, /nats:\/\/host:port/],
    [
      "another machine in the clear",
      { ...MEMBER, server: { ...common.server, url: "nats://h:1" } },
      /:5:\d+ server\.url: leaves this machine unencrypted/,
    ],
    ["a node that is none", { ...MEMBER, node: "Kitchen" }, /node: /],
    [
      "a rule that is none",
      { ...MEMBER, policy: [{ verb: "publish", subnet: "a", rules: [["allow", "ui", "x"]] }] },
      /policy\[0\]\.rules\[0\]/,
    ],
    ["a port that is none", { ...MEMBER, http: { port: 65_536 } }, /http\.port: /],
  ])("refuses %s", (_, content, problem) => {
    expect(problemOf(content)).toMatch(problem);
  });

  test.each([
    ["listens", { host: "0.0.0.0" }, /natsServer\.host: leaves this machine unencrypted/],
    ["dials", { rootUrl: "nats-leaf://h:3" }, /natsServer\.rootUrl: leaves this machine unencrypted/],
  ])("refuses a hub whose server %s beyond this machine in the clear", (_, changes, problem) => {
    expect(problemOf({ ...HUB, natsServer: { ...HUB.natsServer, ...changes } }, "hub")).toMatch(problem);
  });

  test.each(["SUAKEY", `A${"A".repeat(55)}`, `U${"A".repeat(54)}`, `U${"1".repeat(55)}`])(
    "refuses the member key %s",
    (key) => {
      const members = { kitchen: { key } };
      expect(problemOf({ ...HUB, members }, "hub")).toContain("must be the public nkey of a user");
    },
  );
});
