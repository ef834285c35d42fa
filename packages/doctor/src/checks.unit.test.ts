import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate } from "@adaos/provision";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { component, layoutIn, sceneOf } from "../../../test/kit/doctor-scene.ts";
import type { AskedServer, Finding } from "./check.ts";
import { certificates } from "./checks/certificates.ts";
import { clocks } from "./checks/clocks.ts";
import { configFiles } from "./checks/config-files.ts";
import { disks } from "./checks/disks.ts";
import { links } from "./checks/links.ts";
import { outboxes } from "./checks/outboxes.ts";
import { ports } from "./checks/ports.ts";
import { processes } from "./checks/processes.ts";
import { registry } from "./checks/registry.ts";
import { rights } from "./checks/rights.ts";
import { servers } from "./checks/servers.ts";
import { versions } from "./checks/versions.ts";
import { CHECK_GROUPS } from "./checks.ts";

const WELL = [
  component("supervisor", "supervisor"),
  ...["nats-root", "nats-alpha", "nats-beta"].map((name) => component("server", name)),
  ...["root", "alpha/hub", "alpha/kitchen", "beta/hub", "beta/desk"].map((id) => component("node", id)),
  ...["up alpha", "down alpha", "up beta", "down beta"].map((name) => component("link", name)),
];
/** All well but these. */
const but = (...changed: readonly ReturnType<typeof component>[]): typeof WELL =>
  WELL.map((one) => changed.find(({ kind, name }) => kind === one.kind && name === one.name) ?? one);
const told = (findings: readonly Finding[]): string[] =>
  findings.map(({ level, about, problem }) => `${level} ${about}: ${problem}`);

describe("the checks of adaos doctor", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "adaos-doctor-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test("have groups of their own", () => {
    expect(new Set(CHECK_GROUPS).size).toBe(CHECK_GROUPS.length);
  });

  test("processes: find nothing wrong with a mesh that is well", async () => {
    expect(await processes(sceneOf(dir, WELL))).toEqual([]);
    expect(await servers(sceneOf(dir, WELL))).toEqual([]);
    expect(await links(sceneOf(dir, WELL))).toEqual([]);
  });

  test("processes: of a mesh that is down tell that alone", async () => {
    const scene = sceneOf(
      dir,
      WELL.map((one) => ({ ...one, ready: false })),
      { isDown: true },
    );
    expect(told(await processes(scene))).toEqual(["fault demo: nothing of the mesh runs"]);
    expect(await servers(scene)).toEqual([]);
    expect(await links(scene)).toEqual([]);
  });

  test("processes: a daemon and its links get well with the server that it needs", async () => {
    const away = { ready: false, note: "does not answer" };
    const scene = sceneOf(
      dir,
      but(
        component("server", "nats-beta", away),
        component("node", "beta/hub", away),
        component("link", "down beta", away),
      ),
    );
    expect(await processes(scene)).toEqual([]);
    expect(await links(scene)).toEqual([]);
    const [finding] = await servers(scene);
    expect(finding).toMatchObject({ level: "fault", about: "nats-beta" });
    expect(finding?.why).toContain("beta/hub, beta/desk cannot work without it");
  });

  test("processes: without a supervisor nothing is started again", async () => {
    const scene = sceneOf(dir, but(component("supervisor", "supervisor", { ready: false, note: "is away" })));
    expect(told(await processes(scene))).toEqual(["fault supervisor: what ends is not started again"]);
  });

  test("processes: what was started four times in vain is told with its log", async () => {
    const alerts = [{ component: "beta/desk", reason: "exit code 78", failures: 4 }];
    const supervisor = component("supervisor", "supervisor", { details: { watchdog: { alerts } } });
    const [finding] = await processes(sceneOf(dir, but(supervisor)));
    expect(finding).toMatchObject({ about: "beta/desk", why: "exit code 78" });
    expect(finding?.mend).toContain("logs/beta_desk.log");
  });

  test("links: tell a link that does not carry though both its ends are well", async () => {
    const down = component("link", "up alpha", { ready: false, note: "source: paused" });
    expect(told(await links(sceneOf(dir, but(down))))).toEqual(["fault link up alpha: nothing leaves alpha"]);
  });

  test("versions: refuse an old server, and notice different ones", async () => {
    const askServers = async (): Promise<AskedServer[]> => [askedServer("2.10.0"), askedServer("2.15.1")];
    expect(told(await versions(sceneOf(dir, WELL, { askServers })))).toEqual([
      "fault nats-root: nats-server 2.10.0 is too old",
      "notice servers: run different versions: 2.10.0, 2.15.1",
    ]);
  });

  test("clocks: allow for the time that an answer took", async () => {
    const off = async (serverMs: number): Promise<string[]> => {
      const varz = { ...askedServer("2.15.1").varz, now: new Date(serverMs).toISOString() };
      const asked = { ...askedServer("2.15.1"), varz, askedMs: 10_000, answeredMs: 13_000 };
      return told(await clocks(sceneOf(dir, WELL, { askServers: async () => [asked] })));
    };
    expect(await off(10_000)).toEqual([]);
    expect(await off(13_900)).toEqual([]);
    expect(await off(20_000)).toEqual(["fault nats-root: its clock is 7.0 s ahead of this machine's"]);
    expect(await off(4_000)).toEqual(["fault nats-root: its clock is 6.0 s behind this machine's"]);
  });

  test("clocks: of other machines are told as the daemons here have heard them", async () => {
    const heard = but(
      component("node", "alpha/hub", {
        details: { members: { clocks: { kitchen: -3_600_000 } }, registry: { clocks: { root: 5_000 } } },
      }),
      component("node", "root", { details: { links: { clocks: { beta: -7_000 } } } }),
      component("node", "beta/desk", { details: { registry: { clocks: { hub: -7_100 } } } }),
      component("node", "alpha/kitchen", { details: { registry: { clocks: { hub: "soon" } } } }),
    );
    expect(told(await clocks(sceneOf(dir, heard)))).toEqual([
      "fault beta/hub: its clock is 7.1 s behind this machine's",
      "fault alpha/kitchen: its clock is 3600.0 s behind this machine's",
      "fault root: its clock is 5.0 s ahead of this machine's",
    ]);
  });

  test("disks: tell streams that refuse soon, and not those that drop their oldest", async () => {
    const stream = (name: string, discard: "old" | "new", bytes: number): AskedServer["streams"][number] => {
      const state = { messages: 1, bytes, first_ts: "2026-01-05T09:30:00Z", last_ts: "2026-01-05T09:31:00Z" };
      return { name, config: { max_bytes: 1000, discard }, state };
    };
    const streams = [stream("A", "new", 950), stream("B", "old", 1000), stream("C", "new", 500)];
    const askServers = async (): Promise<AskedServer[]> => [{ ...askedServer("2.15.1"), streams }];
    const found = told(await disks(sceneOf(dir, WELL, { askServers })));
    expect(found.filter((line) => line.includes("stream"))).toEqual([
      "fault root: A: the stream is 95 % full",
    ]);
  });

  test("registry: tell what is refused, what waits, and who is behind", async () => {
    const faults = [{ at: "ui/notify", rule: "breaking", told: "text is gone" }];
    const root = component("node", "root", { details: { registry: { hash: "a", refused: "d", faults } } });
    const desk = component("node", "beta/desk", { details: { registry: { hash: "a", hub: "b" } } });
    const lamp = component("node", "beta/hub", { details: { registry: { hash: "b", root: "b" } } });
    const scene = sceneOf(dir, but(root, desk, lamp));
    expect(told(await registry(scene))).toEqual([
      `fault ${scene.layout.registryDir}: what is saved is refused for 1 fault`,
      "notice beta/desk: works by another registry than the mesh",
    ]);
  });

  test("config: name each file that cannot be read once", async () => {
    const error = {
      file: `${dir}/mesh.yaml`,
      place: "mesh.yaml:3:1",
      message: "no such key",
      remedy: "mend it",
    };
    const config = { errors: [error] };
    const scene = sceneOf(dir, WELL, { health: { mesh: "demo", ready: false, components: WELL, config } });
    const found = await configFiles(scene);
    expect(found.filter(({ about }) => about.includes("mesh.yaml"))).toMatchObject([
      {
        about: "mesh.yaml:3:1",
        problem: "no such key",
        mend: `adaos policy check --config ${dir}/mesh.yaml`,
      },
    ]);
    expect(found).toHaveLength(1 + scene.layout.nodes.length);
  });

  test("rights: a seed that others may read names the command that closes it", async () => {
    const layout = layoutIn(dir);
    mkdirSync(join(dir, "keys"));
    for (const { seedFile, systemSeedFile } of layout.servers)
      for (const file of [seedFile, systemSeedFile]) writeFileSync(file, "S", { mode: 0o600 });
    expect(await rights(sceneOf(dir, WELL))).toEqual([]);
    const [first] = layout.servers;
    chmodSync(first?.seedFile ?? "", 0o644);
    expect((await rights(sceneOf(dir, WELL))).map(({ mend }) => mend)).toEqual([
      `chmod 600 ${first?.seedFile}`,
    ]);
  });

  test("ports: name the port that a stranger holds where a server does not run", async () => {
    const [stranger, port] = await listen();
    try {
      const { servers: all, ...rest } = layoutIn(dir);
      const layout = { ...rest, servers: all, ports: { ...rest.ports, beta: { port } } };
      const down = but(component("server", "nats-beta", { ready: false, note: "does not answer" }));
      expect(told(await ports(sceneOf(dir, down, { layout })))).toEqual([
        `fault nats-beta: port ${port} is taken`,
      ]);
      expect(await ports(sceneOf(dir, WELL, { layout }))).toEqual([]);
    } finally {
      stranger.close();
    }
  });

  test("certificates: tell which ends soon, and which is another key's", async () => {
    const day = 86_400_000;
    const write = async (name: string, validMs: number): Promise<{ certFile: string; keyFile: string }> => {
      const made = await makeCertificate({ name, validMs });
      const files = { certFile: join(dir, `${name}.pem`), keyFile: join(dir, `${name}.key`) };
      writeFileSync(files.certFile, made.certificate);
      writeFileSync(files.keyFile, made.key, { mode: 0o600 });
      return files;
    };
    const [soon, near, long] = [
      await write("soon", 3 * day),
      await write("near", 20 * day),
      await write("long", 90 * day),
    ];
    const mixed = { certFile: long.certFile, keyFile: soon.keyFile };
    const layout = layoutIn(dir);
    const look = async (tls: object): Promise<string[]> => {
      const [first, ...rest] = layout.servers;
      const all =
        first === undefined ? rest : [{ ...first, tls: { caFile: long.certFile, ...tls } }, ...rest];
      const scene = sceneOf(dir, WELL, { layout: { ...layout, servers: all }, nowMs: Date.now() });
      return told(await certificates(scene)).map((line) => line.replace(`${dir}/`, ""));
    };
    expect(await look({})).toEqual([]);
    expect((await look(soon))[0]).toMatch(/^fault soon.pem: /);
    expect((await look(near))[0]).toMatch(
      /^(notice near.pem: ends in|fault near.pem: the certificate is not of its CA)/,
    );
    expect(await look(mixed)).toContain("fault long.pem: the certificate is not that of its key");
  });

  test("outboxes: tell what a hub has refused in the last day", async () => {
    const file = join(dir, "outbox", "alpha_kitchen", "refused.ndjson");
    mkdirSync(join(dir, "outbox", "alpha_kitchen"), { recursive: true });
    writeFileSync(file, "{}\n{}\n");
    const scene = sceneOf(dir, WELL, { nowMs: Date.now() });
    expect(told(await outboxes(scene))).toEqual([
      "notice alpha/kitchen: its hub has refused 2 events of its outbox for good",
    ]);
    utimesSync(file, 1, 1);
    expect(await outboxes(scene)).toEqual([]);
  });
});

function askedServer(version: string): AskedServer {
  const [server] = layoutIn("/nowhere").servers;
  if (server === undefined) throw new Error("no server");
  const counts = { connections: 0, subscriptions: 0, mem: 0, cpu: 0, slow_consumers: 0 };
  const traffic = { in_msgs: 0, out_msgs: 0, in_bytes: 0, out_bytes: 0 };
  const varz = { version, start: "2026-01-05T09:00:00Z", ...counts, ...traffic };
  return { server, varz, streams: [], askedMs: 0, answeredMs: 0 };
}

function listen(): Promise<[Server, number]> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve([server, typeof address === "object" && address !== null ? address.port : 0]);
    });
  });
}
