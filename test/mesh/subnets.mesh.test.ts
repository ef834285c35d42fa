import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bus } from "@adaos/client";
import { readSeed } from "@adaos/config";
import { connect, nkeyAuthenticator } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MONITOR, TestMesh, until } from "../kit/mesh.ts";

/*
 * Subnets that come and go while the mesh runs and events flow between the others.
 */

const MESH = `
mesh: grows
registry: ../schemas/events
subnets:
  alpha:
    export: [ui.]
    members: { kitchen: { publish: [ui.] } }
  beta:
    import: [ui.]
    members: { lamp: { subscribe: [ui.] } }
`;
const GAMMA = `  gamma:
    export: [ui.]
    import: [ui.]
    members:
      porch: { publish: [ui.], subscribe: [ui.] }
`;

describe("adaos policy apply, with a subnet more", { timeout: 180_000 }, () => {
  let mesh: TestMesh;
  let kitchen: Bus;
  const lamp: string[] = [];
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: MESH });
    kitchen = await mesh.connect("alpha/kitchen");
    await heard("beta/lamp", lamp);
  });
  afterAll(async () => {
    await mesh?.stop();
  });

  async function heard(member: string, ids: string[]): Promise<Bus> {
    const bus = await mesh.connect(member);
    await bus.subscribe("ui.notify", { durable: "all" }, ({ event_id }) => void ids.push(event_id));
    return bus;
  }

  /** Applies a mesh file while 100 events a second go from alpha to beta, and expects that none is lost or slow. */
  async function applyUnderWay(yaml: string): Promise<number> {
    mesh.configure(yaml);
    const published: Promise<{ readonly eventId: string }>[] = [];
    const clock = setInterval(() => void published.push(kitchen.publish("ui.notify", { text: "x" })), 10);
    const pids = mesh.pids();
    const told = await mesh.ask(["policy", "apply", "--yes", "--json"]).finally(() => clearInterval(clock));
    expect([told.code, told.stderr]).toEqual([0, ""]);
    const ids = (await Promise.all(published)).map(({ eventId }) => eventId);
    await until("all are at the lamp", () => ids.every((id) => lamp.includes(id)));
    expect(ids.length).toBeGreaterThan(10);
    for (const [name, pid] of mesh.pids()) {
      if (!name.includes("gamma")) expect([name, pid]).toEqual([name, pids.get(name)]);
    }
    const { in_force_ms } = JSON.parse(told.stdout) as { in_force_ms: number };
    process.stdout.write(`${ids.length} events meanwhile, none lost; in force after ${in_force_ms} ms\n`);
    return in_force_ms;
  }

  /** Connections of clients and leaves on a server that have nothing to do with gamma, by their ids there. */
  async function connectionsOf(of: string): Promise<number[]> {
    const { connections } = await mesh.monitor<{
      connections: { cid: number; kind: string; name?: string }[];
    }>(of, "CONNZ");
    const { leafs } = await mesh.monitor<{ leafs?: { id: number; account: string }[] }>(of, "LEAFZ");
    const others = (leafs ?? []).filter(({ account }) => account !== "LEAF_gamma");
    // The supervisor connects at its first look, some seconds after the start.
    const passing = [MONITOR, "root from gamma", "adaos supervisor"];
    const clients = connections
      .filter(
        ({ kind, name = "" }) => kind === "Client" && !passing.includes(name.replace(/ adaos\/\S+$/, "")),
      )
      .map(({ cid }) => cid);
    return [...clients, ...others.map(({ id }) => id)].sort();
  }

  test("starts its server and daemons and links it, without dropping a connection or an event of the others", async () => {
    const before = await connectionsOf("root");
    const inForceMs = await applyUnderWay(MESH + GAMMA);
    expect(inForceMs).toBeLessThan(60_000);
    expect(await connectionsOf("root")).toEqual(before);
    expect((await mesh.ask(["status"])).code).toBe(0);
    const porchIds: string[] = [];
    const porch = await heard("gamma/porch", porchIds);
    const { eventId } = await kitchen.publish("ui.notify", { text: "to gamma" });
    await until("it is at the porch", () => porchIds.includes(eventId));
    const back = await porch.publish("ui.notify", { text: "from gamma" });
    await until("it is at the lamp", () => lamp.includes(back.eventId));
    expect(await mesh.ask(["policy", "compile", "--check"])).toMatchObject({ code: 0, stdout: "" });
    await porch.close();
  });

  test("removed and added again it works with other keys, and finds nothing of what its predecessor had", async () => {
    const keyFile = join(mesh.state, "keys/gamma/leaf.nk");
    const old = readSeed(keyFile);
    const pids = [...mesh.pids()].filter(([name]) => name.includes("gamma"));
    expect(pids.map(([name]) => name).sort()).toEqual(["gamma/hub", "gamma/porch", "nats-gamma"]);
    await applyUnderWay(MESH);
    expect(pids.filter(([, pid]) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(existsSync(keyFile)).toBe(false);
    const { eventId } = await kitchen.publish("ui.notify", { text: "not for gamma" });
    await until("it is at the lamp", () => lamp.includes(eventId));
    await applyUnderWay(MESH + GAMMA);
    expect(readSeed(keyFile)).not.toBe(old);
    expect(readdirSync(join(mesh.state, "store")).filter((name) => name.startsWith("gamma"))).toEqual([
      "gamma",
      expect.stringMatching(/^gamma\.removed-\d+$/),
    ]);
    const porchIds: string[] = [];
    await heard("gamma/porch", porchIds);
    const next = await kitchen.publish("ui.notify", { text: "for gamma" });
    await until("it is at the porch", () => porchIds.includes(next.eventId));
    expect(porchIds).not.toContain(eventId);
    // As the leaf connection would.
    const { ports } = JSON.parse(readFileSync(join(mesh.state, "mesh.json"), "utf8")) as {
      ports: { root: { leafPort: number; port: number } };
    };
    for (const port of [ports.root.port, ports.root.leafPort]) {
      const authenticator = nkeyAuthenticator(new TextEncoder().encode(old));
      await expect(
        connect({ servers: `127.0.0.1:${port}`, authenticator, reconnect: false }),
      ).rejects.toThrow();
    }
  });

  test("on a port that is another's it is refused, and nothing is written", async () => {
    const before = readFileSync(join(mesh.state, "mesh.json"), "utf8");
    const taken = new URL(mesh.server("alpha").url).port;
    mesh.configure(`${MESH}${GAMMA}  delta: { port: ${taken} }\n`);
    const { code, stderr } = await mesh.ask(["policy", "apply", "--yes"]);
    expect([code, stderr]).toEqual([78, expect.stringContaining(`port ${taken}`)]);
    expect(readFileSync(join(mesh.state, "mesh.json"), "utf8")).toBe(before);
  });
});
