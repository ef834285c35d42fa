import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bus } from "@adaos/client";
import { nodeFilePath, nodeId, readNodeFile, readSeed } from "@adaos/config";
import { type Connection, openConnection } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const MESH = `
mesh: apply
registry: ../schemas/events
subnets:
  alpha:
    export: [ui.]
    members:
      kitchen: { publish: [ui.] }
      desk: { subscribe: [ui.] }
      guest: { publish: [ui.], subscribe: [ui.] }
  beta:
    import: [ui.]
    members: { lamp: { subscribe: [ui.] }, lookout: { subscribe: [mesh.] } }
`;
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };
/** 200/s. */
const TICK_MS = 5;
/** What a machine with little time may need from a publish to its handler. */
const LAG_MS = 4000;

interface Applied {
  readonly in_force_ms: number;
  readonly changes: readonly { readonly change: string; readonly who: string; readonly event: string }[];
}

/** A handled event and when it was handled. */
interface Handled {
  readonly id: string;
  readonly atMs: number;
}

describe("adaos policy apply", { timeout: 120_000 }, () => {
  let mesh: TestMesh;
  let kitchen: Bus;
  let desk: readonly Handled[];
  let lamp: readonly Handled[];
  const connections: Connection[] = [];
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: MESH });
    kitchen = await mesh.connect("alpha/kitchen");
    desk = await handledAt("alpha/desk");
    lamp = await handledAt("beta/lamp");
  });
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await mesh.stop();
  });

  async function handledAt(member: string): Promise<readonly Handled[]> {
    const handled: Handled[] = [];
    const bus = await mesh.connect(member);
    await bus.subscribe("ui.notify", { durable: "all" }, ({ event_id: id }) => {
      handled.push({ id, atMs: Date.now() });
    });
    return handled;
  }

  async function raw(member: string): Promise<Connection> {
    const connection = await mesh.openMember(member);
    connections.push(connection);
    return connection;
  }

  /** Resolves when it is in force everywhere, with what the command told. */
  async function apply(change: (yaml: string) => string): Promise<Applied> {
    mesh.configure(change(MESH));
    const { code, stdout, stderr } = await mesh.ask(["policy", "apply", "--yes", "--json"]);
    if (code !== 0) throw new Error(`policy apply: ${code} ${stderr}`);
    return JSON.parse(stdout) as Applied;
  }

  /** Publishes 200/s while `during` runs. Returns the ids with the time of each. */
  async function publishWhile(during: () => Promise<void>): Promise<Handled[]> {
    const sent: Promise<Handled | undefined>[] = [];
    const clock = setInterval(() => {
      const atMs = Date.now();
      const publishing = kitchen.publish("ui.notify", { text: "x" });
      sent.push(
        publishing.then(
          ({ eventId: id }) => ({ id, atMs }),
          () => undefined,
        ),
      );
    }, TICK_MS);
    try {
      await during();
    } finally {
      clearInterval(clock);
    }
    return (await Promise.all(sent)).filter((one) => one !== undefined);
  }

  const idsOf = (handled: readonly Handled[]): string[] => handled.map(({ id }) => id);

  test("a member that may hear no more hears nothing from the switch on, and everybody else misses nothing", async () => {
    let startedMs = 0;
    let switchedMs = 0;
    let inForceMs = 0;
    const published = await publishWhile(async () => {
      await until("some have been handled", () => desk.length > 1000);
      startedMs = Date.now();
      const { in_force_ms, changes } = await apply((yaml) =>
        yaml.replace("desk: { subscribe: [ui.] }", "desk: {}"),
      );
      switchedMs = Date.now();
      inForceMs = in_force_ms;
      expect(changes.map(({ change, who, event }) => [change, who, event])).toEqual([
        ["denied", "alpha/desk", "ui.notify@1"],
        ["denied", "alpha/desk", "ui."],
      ]);
      await until("more have been published", () => lamp.length > 1600);
    });
    await until("all are at the lamp", () => lamp.length >= published.length, 60_000);
    expect(idsOf(lamp).sort()).toEqual(idsOf(published).sort());
    const after = new Set(idsOf(published.filter(({ atMs }) => atMs > switchedMs)));
    // What was received before may wait a moment in a process that has little time.
    const late = desk.filter(({ id, atMs }) => after.has(id) || atMs > switchedMs + LAG_MS);
    const handled = new Set(idsOf(desk));
    // What was on its way when the change began may or may not have been handled before the switch.
    const lost = published.filter(({ id, atMs }) => atMs < startedMs - LAG_MS && !handled.has(id));
    process.stdout.write(
      `${published.length} events, in force after ${inForceMs} ms, ${late.length} handled after it, ${lost.length} lost before\n`,
    );
    expect([late, lost]).toEqual([[], []]);
  });

  test("given its right again, it goes on where it stood and misses nothing", async () => {
    const missing = new Set(idsOf(lamp));
    await apply((yaml) => yaml);
    await until("it has caught up", () => {
      for (const { id } of desk) missing.delete(id);
      return missing.size === 0;
    });
    expect(new Set(idsOf(desk)).size).toBe(desk.length);
  });

  test("a durable that is too wide now goes on as a narrower one", async () => {
    const bus = await mesh.connect("alpha/desk");
    const seen: string[] = [];
    const wide = await bus.subscribe("ui.", { durable: "wide" }, ({ event_id }) => void seen.push(event_id));
    const { changes } = await apply((yaml) =>
      yaml.replace("desk: { subscribe: [ui.] }", "desk: { subscribe: [ui.notify] }"),
    );
    expect(changes).toEqual([expect.objectContaining({ change: "denied", who: "alpha/desk", event: "ui." })]);
    await wide.stop();
    await bus.subscribe("ui.notify", { durable: "wide" }, ({ event_id }) => void seen.push(event_id));
    const { eventId } = await kitchen.publish("ui.notify", { text: "for the narrower one" });
    await until("it came", () => seen.includes(eventId));
    await apply((yaml) => yaml);
  });

  test("a member that may say no more is refused by library and server on the connection that it has", async () => {
    const { nc } = await raw("alpha/kitchen");
    const say = async (): Promise<boolean> => {
      try {
        const id = `x-${Math.random()}`;
        const answer = await nc.request("evt.alpha.kitchen.ui.notify.v1", JSON.stringify({ id }), {
          timeout: 1000,
        });
        return answer.json<{ error?: unknown }>().error === undefined;
      } catch {
        return false;
      }
    };
    expect(await say()).toBe(true);
    const [clientId, reconnects] = [nc.info?.client_id, nc.stats()];
    await apply((yaml) => yaml.replace("kitchen: { publish: [ui.] }", "kitchen: {}"));
    await until("the library knows", () =>
      kitchen.publish("ui.notify", { text: "x" }).then(
        () => false,
        ({ code }: { code: string }) => code === "denied",
      ),
    );
    expect(await say()).toBe(false);
    expect(nc.info?.client_id).toBe(clientId);
    expect(reconnects.outMsgs).toBeGreaterThan(0);
    await apply((yaml) => yaml);
    await until("the library knows again", () =>
      kitchen.publish("ui.notify", { text: "x" }).then(
        () => true,
        () => false,
      ),
    );
    expect(await say()).toBe(true);
  });

  test("a subnet that may not import any more gets nothing across, is told why, and again when it may", async () => {
    const told: Record<string, unknown>[] = [];
    const lookout = await mesh.connect("beta/lookout");
    await lookout.subscribe("mesh.policy.denied", { durable: "denials" }, ({ data }) => {
      told.push({ ...data });
    });
    const rule = "policy: [{ id: no-notices, deny: import, subnet: beta, events: ui.notify }]";
    const before = lamp.length;
    for (const [change, by] of [
      [(yaml: string) => yaml.replace("import: [ui.]", "import: []"), "default-deny"],
      [(yaml: string) => `${yaml}${rule}\n`, "no-notices"],
    ] as const) {
      await apply(change);
      const { eventId } = await kitchen.publish("ui.notify", { text: "for alpha only" });
      await until("it is at desk", () => idsOf(desk).includes(eventId));
      await until("it is told in beta", () => told.some(({ event_id }) => event_id === eventId));
      expect(told.find(({ event_id }) => event_id === eventId)).toMatchObject({
        hop: "import",
        node: "beta",
        from: "alpha",
        event: "ui.notify@1",
        rule: by,
        count: 1,
      });
      const log = readFileSync(join(mesh.state, "logs/root.log"), "utf8").split("\n");
      expect(log.filter((line) => line.includes(eventId) && line.includes(by))).toHaveLength(1);
    }
    const { eventId } = await kitchen.publish("ui.notify", { text: "for alpha only" });
    await until("it is at desk", () => idsOf(desk).includes(eventId));
    expect(lamp.length).toBe(before);
    await apply((yaml) => yaml);
    const again = await kitchen.publish("ui.notify", { text: "for all" });
    await until("it is at the lamp", () => idsOf(lamp).includes(again.eventId));
    expect(idsOf(lamp)).not.toContain(eventId);
  });

  test("a member that is removed is disconnected and its key opens nothing; one that is new can begin", async () => {
    const guest = await raw("alpha/guest");
    const { config, path } = readNodeFile(
      nodeFilePath(mesh.state, nodeId({ subnet: "alpha", node: "guest" })),
      "member",
    );
    const seed = readSeed(path(config.server.seedFile));
    const closed = guest.nc.closed();
    await apply((yaml) => yaml.replace(/ {6}guest: .*\n/, "      fresh: { publish: [ui.] }\n"));
    await Promise.race([closed, until("it is out", () => !guest.connected)]);
    const dialled = openConnection({ url: config.server.url, name: "raw", user: "guest", seed, log: SILENT });
    await expect(dialled).rejects.toMatchObject({ code: "denied" });
    const fresh = await mesh.connect("alpha/fresh");
    const { eventId } = await fresh.publish("ui.notify", { text: "hello" });
    await until("it came", () => idsOf(lamp).includes(eventId));
    await until("all is ready", () => mesh.isReady());
    const { stdout } = await mesh.ask(["status"]);
    expect(stdout).toMatch(/alpha\/fresh +ready/);
    expect(stdout).not.toContain("guest");
    await apply((yaml) => yaml);
  });

  test("--dry-run tells and changes nothing, as does a mesh file that is wrong or that needs a restart", async () => {
    const files = (): string[] => mesh.layout().nodes.map(({ nodeFile }) => readFileSync(nodeFile, "utf8"));
    const before = files();
    const asked = ["policy", "explain", "publish", "ui.notify", "--as", "alpha/kitchen"];
    mesh.configure(MESH);
    const same = await mesh.ask([...asked, "--json"]);
    expect([same.code, JSON.parse(same.stdout)]).toEqual([0, expect.objectContaining({ in_force: true })]);
    mesh.configure(MESH.replace("kitchen: { publish: [ui.] }", "kitchen: {}"));
    const dry = await mesh.ask(["policy", "apply", "--dry-run"]);
    expect([dry.code, dry.stdout]).toEqual([
      0,
      expect.stringContaining("- alpha/kitchen publish ui.notify@1"),
    ]);
    const explained = await mesh.adaos(asked);
    expect(explained.code).toBe(77);
    expect(explained.stderr).toContain("mesh.yaml is not what is in force");
    expect(explained.stderr).toContain(
      "in force now: alpha/kitchen publish allow (alpha.kitchen.publish[0])",
    );
    mesh.configure(
      MESH.replace("guest: {", "fresh: {").replace(
        / {2}beta:[\s\S]*/,
        "  gamma: { remote: true, import: [ui.] }\n",
      ),
    );
    const moves = (await mesh.ask(["policy", "apply", "--dry-run"])).stdout.split("\n");
    for (const line of [
      "- server nats-beta: ends",
      "- daemon beta/hub: ends",
      "- stream EVENTS_beta: set aside",
      "- member beta/lamp: disconnected",
      "- member alpha/guest: disconnected",
      "+ member alpha/fresh",
      "+ subnet elsewhere gamma",
    ])
      expect(moves.filter((move) => move.startsWith(line))).toHaveLength(1);
    expect((await mesh.ask(["policy", "diff"])).stderr).toContain(
      "gamma runs on another machine: the root holds it",
    );
    expect(files()).toEqual(before);
    for (const [yaml, code, problem] of [
      [MESH.replace("publish: [ui.]", "publish: [ui]"), 78, /mesh\.yaml:8:/],
      [MESH.replace("mesh: apply", "mesh: apply\ndurability: relaxed"), 64, /cannot change while it runs/],
      [MESH.replace("  beta:\n", "  beta:\n    tenant: acme\n"), 64, /tenant of beta.* cannot change/],
      ["mesh: [", 78, /mesh\.yaml:1:/],
    ] as const) {
      mesh.configure(yaml);
      const { code: is, stderr } = await mesh.ask(["policy", "apply", "--yes"]);
      expect([is, stderr]).toEqual([code, expect.stringMatching(problem)]);
    }
    mesh.configure(MESH);
    expect(files()).toEqual(before);
  });

  test("a node whose file is spoilt goes on with the last good one, and says so until it is mended", async () => {
    const file = mesh.layout().nodes.find(({ id }) => id === "alpha/hub")?.nodeFile ?? "";
    const good = readFileSync(file, "utf8");
    const pid = mesh.pid("alpha/hub");
    let tried = 0;
    for (const spoilt of [
      "",
      "{",
      good.slice(0, good.length / 2),
      good.replace('"hub"', '"member"'),
      "\0",
      "[]",
    ]) {
      writeFileSync(file, spoilt);
      tried++;
      await until("it is told", async () => JSON.stringify(await mesh.health()).includes("is broken"));
      const { eventId } = await kitchen.publish("ui.notify", { text: "still here" });
      await until("events pass", () => idsOf(lamp).includes(eventId) && idsOf(desk).includes(eventId));
      writeFileSync(file, good);
      await until("it is mended", () => mesh.isReady());
    }
    expect([tried, mesh.pid("alpha/hub")]).toEqual([6, pid]);
    writeFileSync(file, "{");
    expect((await mesh.ask(["policy", "apply", "--yes"])).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(good);
  });

  test("compile --check finds nothing stale, and finds what is", async () => {
    expect(await mesh.ask(["policy", "compile", "--check"])).toMatchObject({ code: 0, stdout: "" });
    mesh.configure(
      MESH.replace("desk: { subscribe: [ui.] }", "desk: { publish: [ui.notify], subscribe: [ui.] }"),
    );
    const stale = await mesh.ask(["policy", "compile", "--check"]);
    expect(stale.code).toBe(78);
    for (const name of ["alpha.conf", "alpha/hub.json", "alpha/desk.json"])
      expect(stale.stdout).toContain(name);
    mesh.configure(MESH);
  });

  test("a subnet that is removed loses its link within two seconds, and its key opens no other", async () => {
    const leafs = async (): Promise<string[]> => {
      const leafz = await mesh.monitor<{ leafs?: { account: string }[] }>("root", "LEAFZ");
      return (leafz.leafs ?? []).map(({ account }) => account);
    };
    await until("beta is linked", async () => (await leafs()).includes("LEAF_beta"));
    let outMs = Number.POSITIVE_INFINITY;
    const startMs = Date.now();
    const applying = apply((yaml) => yaml.slice(0, yaml.indexOf("  beta:")));
    await until("it is out", async () => !(await leafs()).includes("LEAF_beta"));
    outMs = Date.now() - startMs;
    await applying;
    process.stdout.write(`leaf connection gone ${outMs} ms after the command began\n`);
    const { stdout } = await mesh.ask(["status"]);
    expect(stdout).not.toContain("beta");
  });
});
