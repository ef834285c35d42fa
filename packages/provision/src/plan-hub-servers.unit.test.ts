import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { readMeshFile, readNodeFile } from "@adaos/config";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HOME } from "../../../test/kit/mesh.ts";
import { type Layout, serverProcesses } from "./layout.ts";
import { provision } from "./provision.ts";

const SERVERS = ["alpha", "alpha-2", "alpha-3"];
const HUBS = ["alpha/hub", "alpha/hub-2", "alpha/hub-3"];

let dir: string;
let state: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-hub-servers-"));
  state = join(dir, "state");
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

/** @param alpha Further entries of the subnet. */
async function set(alpha: string, ...lines: readonly string[]): Promise<Layout> {
  const file = join(dir, "mesh.yaml");
  const text = [
    "mesh: demo",
    `registry: ${join(HOME, "schemas/events")}`,
    "subnets:",
    "  alpha:",
    `    ${alpha}`,
    "    export: [ui.]",
    "    members: { kitchen: { publish: [ui.] }, desk: { subscribe: [ui.] } }",
    "  beta: { import: [ui.] }",
    ...lines,
  ];
  writeFileSync(file, text.join("\n"));
  return provision(readMeshFile(file), state);
}

const confOf = (name: string): string => readFileSync(join(state, "servers", `${name}.conf`), "utf8");

describe("a hub of three servers", () => {
  test("is one place with three servers, each with its name, store, ports, and connection to the root", async () => {
    const layout = await set("servers: 3");
    expect(layout.servers.map(({ name }) => name)).toEqual(["nats-root", "nats-alpha", "nats-beta"]);
    const names = serverProcesses(layout).map(({ name }) => name);
    expect(names).toEqual(["nats-root", ...SERVERS.map((name) => `nats-${name}`), "nats-beta"]);
    for (const name of SERVERS) {
      expect(confOf(name)).toContain(`server_name: "hub-${name}"`);
      expect(confOf(name)).toContain(`store_dir: "${join(state, "store", name)}"`);
      expect(confOf(name)).toContain(`nats-leaf://127.0.0.1:${layout.ports["root"]?.leafPort}`);
    }
    const ports = Object.values(layout.ports).flatMap((own) => Object.values(own));
    expect(new Set(ports).size).toBe(9);
    expect(ports).toHaveLength(9);
  });

  test("has a daemon beside each server, which knows the others and keeps its config", async () => {
    const { nodes, servers } = await set("servers: 3");
    const alpha = servers.find(({ of }) => of === "alpha");
    const urls = [alpha?.url, ...(alpha?.others ?? [])];
    const hubs = nodes.filter(({ id }) => id.startsWith("alpha/hub"));
    expect(hubs.map(({ id }) => id)).toEqual(HUBS);
    const files = hubs.map(({ nodeFile }) => readNodeFile(nodeFile, "hub").config);
    expect(files.map(({ server }) => server.url)).toEqual(urls);
    for (const { server } of files)
      expect([server.url, ...(server.others ?? [])].sort()).toEqual(urls.sort());
    expect(files.map(({ node, servers: count }) => [node, count])).toEqual([
      ["hub", 3],
      ["hub-2", 3],
      ["hub-3", 3],
    ]);
    expect(files.map(({ natsServer }) => natsServer.configFile)).toEqual(
      SERVERS.map((name) => join(state, "servers", `${name}.conf`)),
    );
  });

  test("is dialled by members at different servers first, and the root knows how many there are", async () => {
    const { nodes } = await set("servers: 3");
    const serverOf = (id: string) => {
      const file = nodes.find((node) => node.id === id)?.nodeFile ?? "";
      return readNodeFile(file, "member").config.server;
    };
    expect(serverOf("alpha/kitchen").url).not.toBe(serverOf("alpha/desk").url);
    expect(serverOf("alpha/kitchen").others).toHaveLength(2);
    const root = readNodeFile(join(state, "nodes/root.json"), "root").config;
    expect([root.subnets["alpha"]?.servers, root.subnets["beta"]?.servers]).toEqual([3, 1]);
  });

  test("has a password of its own for its routes, in a private file that stays", async () => {
    await set("servers: 3", "root: { servers: 3 }");
    const include = /include "(.*routes.conf)"/.exec(confOf("alpha-2"))?.[1] ?? "";
    const file = resolve(dirname(join(state, "servers/alpha-2.conf")), include);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, "utf8");
    const password = /password: "([^"]+)"/.exec(text)?.[1] ?? "";
    expect(password.length).toBeGreaterThan(30);
    expect(text.match(/nats-route:/g)).toHaveLength(3);
    for (const name of SERVERS) expect(confOf(name)).not.toContain(password);
    expect(readFileSync(join(state, "keys/root/routes.conf"), "utf8")).not.toContain(password);
    await set("servers: 3", "root: { servers: 3 }");
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test("lets a member ask the leader of its marks, and a hub of one server lets nobody", async () => {
    await set("servers: 3");
    const asked = "$JS.API.STREAM.MSG.GET.DONE_alpha_desk";
    for (const name of SERVERS) expect(confOf(name)).toContain(asked);
    rmSync(state, { recursive: true });
    await set("servers: 1");
    expect(confOf("alpha")).not.toContain("STREAM.MSG.GET");
    expect(confOf("alpha")).not.toContain("cluster");
  });

  test("gives each server of a list its own address, and the subnet's where it has none", async () => {
    const { servers, ports } = await set(
      "{ host: 127.0.0.9, port: 4000, servers: [{}, { host: 127.0.0.2, clusterPort: 4002 }, { port: 4003 }] }"
        .slice(2, -2)
        .replaceAll(/, (?=port: 4000|servers)/g, "\n    "),
    );
    const alpha = servers.find(({ of }) => of === "alpha");
    const urls = [alpha?.url, ...(alpha?.others ?? [])].map((url) => new URL(url ?? ""));
    expect(urls.map(({ hostname }) => hostname)).toEqual(["127.0.0.9", "127.0.0.2", "127.0.0.9"]);
    expect(urls.map(({ port }) => port)).toEqual(["4000", String(ports["alpha-2"]?.port), "4003"]);
    expect(ports["alpha-2"]?.clusterPort).toBe(4002);
  });

  test.each([
    ["servers: 2", /subnets\.alpha\.servers: must be 1, 3 or 5/],
    ["servers: [{}, {}]", /subnets\.alpha\.servers: must be 1, 3 or 5/],
    ["servers: [{}, {}, { leafPort: 4000 }]", /leafPort/],
    [
      "servers: [{}, {}, { host: 10.0.0.7 }]",
      /subnets\.alpha\.servers\.2\.host: leaves this machine unencrypted/,
    ],
    ["{ remote: true, servers: 3 }", /subnets\.alpha\.servers: must be 1 with remote: true/],
  ])("refuses %s", async (text, problem) => {
    const entries = text.startsWith("{") ? "remote: true\n    servers: 3" : text;
    await expect(set(entries)).rejects.toThrow(problem);
  });

  test("refuses a subnet or a member with the name of one of its servers or daemons", async () => {
    await expect(set("servers: 3", "  alpha-2: {}")).rejects.toThrow(
      /subnets\.alpha-2: is the name of a server of the hub of alpha/,
    );
    await expect(set("servers: 1", "  alpha-2: { members: { hub-2: {} } }")).resolves.toBeDefined();
    await expect(set("servers: 1", "  gamma: { servers: 3, members: { hub-3: {} } }")).rejects.toThrow(
      /subnets\.gamma\.members\.hub-3: is the name of a hub daemon of this subnet/,
    );
  });

  test("does not take over the store of another number of servers", async () => {
    await set("servers: 1");
    mkdirSync(join(state, "store/alpha"), { recursive: true });
    await expect(set("servers: 3")).rejects.toThrow(
      /gives the hub of alpha 3 servers.*of 1.*move .*store\/alpha, .*store\/alpha-\[2-5\] and .*positions\/alpha_hub\* away/,
    );
    rmSync(join(state, "store/alpha"), { recursive: true });
    expect(serverProcesses(await set("servers: 3"))).toHaveLength(5);
  });
});
