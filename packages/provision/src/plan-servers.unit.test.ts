import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { readMeshFile, readNodeFile } from "@adaos/config";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HOME } from "../../../test/kit/mesh.ts";
import { type Layout, serverProcesses } from "./layout.ts";
import { provision } from "./provision.ts";

const MESH = [
  "mesh: demo",
  `registry: ${join(HOME, "schemas/events")}`,
  "subnets:",
  "  alpha:",
  "    export: [ui.]",
  "    members: { kitchen: { publish: [ui.] } }",
];

let dir: string;
let state: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-servers-"));
  state = join(dir, "state");
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

async function set(...lines: readonly string[]): Promise<Layout> {
  const file = join(dir, "mesh.yaml");
  writeFileSync(file, [...MESH, ...lines].join("\n"));
  return provision(readMeshFile(file), state);
}

const confOf = (name: string): string => readFileSync(join(state, "servers", `${name}.conf`), "utf8");

describe("a root of three servers", () => {
  test("is one place with three servers, each with its name, store and ports", async () => {
    const layout = await set("root: { servers: 3 }");
    expect(layout.servers.map(({ name }) => name)).toEqual(["nats-root", "nats-alpha"]);
    const names = ["nats-root", "nats-root-2", "nats-root-3"];
    expect(serverProcesses(layout).map(({ name }) => name)).toEqual([...names, "nats-alpha"]);
    for (const name of ["root", "root-2", "root-3"]) {
      expect(confOf(name)).toContain(`server_name: "${name}"`);
      expect(confOf(name)).toContain(`store_dir: "${join(state, "store", name)}"`);
    }
    const ports = Object.values(layout.ports).flatMap((own) => Object.values(own));
    expect(new Set(ports).size).toBe(10);
    expect(ports).toHaveLength(10);
  });

  test("has a daemon beside each server, which knows the others", async () => {
    const { nodes, servers } = await set("root: { servers: 3 }");
    const [root] = servers;
    const urls = [root?.url, ...(root?.others ?? [])];
    const files = nodes
      .filter(({ role }) => role === "root")
      .map(({ nodeFile }) => readNodeFile(nodeFile, "root").config);
    expect(files.map(({ server }) => server.url)).toEqual(urls);
    for (const { server } of files)
      expect([server.url, ...(server.others ?? [])].sort()).toEqual(urls.sort());
    expect(files.map(({ natsServer }) => natsServer?.cluster?.name)).toEqual(["root", "root-2", "root-3"]);
    expect(files.map(({ servers: count }) => count)).toEqual([3, 3, 3]);
  });

  test("keeps the password of its routes out of configs, in a private file that stays", async () => {
    const layout = await set("root: { servers: 3 }");
    const include = /include "(.*routes.conf)"/.exec(confOf("root-2"))?.[1] ?? "";
    const file = resolve(dirname(layout.servers[0]?.configFile ?? ""), include);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, "utf8");
    const password = /password: "([^"]+)"/.exec(text)?.[1] ?? "";
    expect(password.length).toBeGreaterThan(30);
    expect(text.match(/nats-route:/g)).toHaveLength(3);
    for (const name of ["root", "root-2", "root-3"]) expect(confOf(name)).not.toContain(password);
    await set("root: { servers: 3 }");
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test("is dialled by hubs at each of its servers", async () => {
    const { ports } = await set("root: { servers: 3 }");
    for (const name of ["root", "root-2", "root-3"])
      expect(confOf("alpha")).toContain(`nats-leaf://127.0.0.1:${ports[name]?.leafPort}`);
  });

  test("gives each server of a list its own address, and the root's where it has none", async () => {
    const { servers, ports } = await set(
      "root:",
      "  host: 127.0.0.9",
      "  servers: [{ port: 4001 }, { host: 127.0.0.2, clusterPort: 4002 }, {}]",
    );
    const urls = [servers[0]?.url, ...(servers[0]?.others ?? [])].map((url) => new URL(url ?? ""));
    expect(urls.map(({ hostname }) => hostname)).toEqual(["127.0.0.9", "127.0.0.2", "127.0.0.9"]);
    expect(ports["root"]?.port).toBe(4001);
    expect(ports["root-2"]?.clusterPort).toBe(4002);
  });

  test.each([
    ["root: { servers: 2 }", /must be 1, 3 or 5/],
    ["root: { servers: [{}, {}] }", /must be 1, 3 or 5/],
    ["root: { servers: 3, daemons: 2 }", /must not be less than servers/],
    [
      "root: { servers: [{}, {}, { host: 10.0.0.7 }] }",
      /root\.servers\.2\.host: leaves this machine unencrypted/,
    ],
    ["  root-2: {}\nroot: { servers: 3 }", /is the name of a server of the root/],
  ])("refuses %s", async (text, problem) => {
    await expect(set(text)).rejects.toThrow(problem);
  });

  test("does not take over the store of another number of servers", async () => {
    await set("root: { servers: 1 }");
    mkdirSync(join(state, "store/root"), { recursive: true });
    await expect(set("root: { servers: 3 }")).rejects.toThrow(
      /move .*store\/root\* and .*positions\/root\* away/,
    );
    rmSync(join(state, "store/root"), { recursive: true });
    expect(serverProcesses(await set("root: { servers: 3 }"))).toHaveLength(4);
  });
});
