import { connect as dial } from "node:net";
import { join } from "node:path";
import type { Bus } from "@adaos/client";
import { readSeed } from "@adaos/config";
import { connect, nkeyAuthenticator, nkeys } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const MESH = `
mesh: rotates
registry: ../schemas/events
root: { daemons: 2 }
subnets:
  alpha:
    export: [ui.]
    members: { kitchen: { publish: [ui.] } }
  beta:
    import: [ui.]
    members: { lamp: { subscribe: [ui.] } }
`;

describe("adaos node rotate", { timeout: 120_000 }, () => {
  let mesh: TestMesh;
  let kitchen: Bus;
  const lamp: string[] = [];
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: MESH });
    kitchen = await mesh.connect("alpha/kitchen");
    const bus = await mesh.connect("beta/lamp");
    await bus.subscribe("ui.notify", { durable: "all" }, ({ event_id }) => void lamp.push(event_id));
  });
  afterAll(async () => {
    await mesh?.stop();
  });

  const seedOf = (name: string): string => readSeed(join(mesh.state, `keys/${name}.nk`));
  const portOf = (of: string): number => Number(new URL(mesh.server(of).url).port);

  /** Whether a server lets in a client without any of our code that has this seed. */
  async function opens(of: string, seed: string): Promise<boolean> {
    try {
      const authenticator = nkeyAuthenticator(new TextEncoder().encode(seed));
      const nc = await connect({ servers: `127.0.0.1:${portOf(of)}`, authenticator, reconnect: false });
      await nc.close();
      return true;
    } catch {
      return false;
    }
  }

  /** Rotates while 100 events a second go from alpha to beta; expects that none is lost and everything comes back. */
  async function rotateUnderWay(...args: readonly string[]): Promise<void> {
    const pids = mesh.pids();
    const published: Promise<{ readonly eventId: string }>[] = [];
    const clock = setInterval(() => void published.push(kitchen.publish("ui.notify", { text: "x" })), 10);
    try {
      const { code, stderr } = await mesh.ask(["node", "rotate", ...args, "--json"]);
      expect([code, stderr]).toEqual([0, ""]);
      await until("all is ready", () => mesh.isReady());
    } finally {
      clearInterval(clock);
    }
    const ids = (await Promise.all(published)).map(({ eventId }) => eventId);
    await until("all are at the lamp", () => ids.every((id) => lamp.includes(id)), 60_000);
    expect(new Set(lamp).size).toBe(lamp.length);
    expect(mesh.pids()).toEqual(pids);
    process.stdout.write(`rotate ${args.join(" ")}: ${ids.length} events meanwhile, none lost\n`);
  }

  test.each([
    ["alpha/hub", "alpha/hub", "alpha"],
    ["beta/hub", "beta/hub", "beta"],
    ["root", "root/daemon", "root"],
  ])(
    "%s: the daemon goes on with another key, the old one opens nothing, no event is lost",
    async (id, name, of) => {
      const old = seedOf(name);
      expect(await opens(of, old)).toBe(true);
      await rotateUnderWay(id);
      expect(seedOf(name)).not.toBe(old);
      expect([await opens(of, old), await opens(of, seedOf(name))]).toEqual([false, true]);
    },
  );

  test.each(["alpha", "beta"])(
    "%s --leaf: the old connection is ended, its key opens nothing",
    async (subnet) => {
      const old = seedOf(`${subnet}/leaf`);
      const before = await leafOf(subnet);
      expect(before).toBeGreaterThan(0);
      expect(await leafAnswer(old)).not.toContain("Authorization Violation");
      await rotateUnderWay(subnet, "--leaf");
      expect(seedOf(`${subnet}/leaf`)).not.toBe(old);
      await until("it is linked anew", async () => (await leafOf(subnet)) > before);
      expect(await leafAnswer(old)).toContain("Authorization Violation");
      expect(await leafAnswer(seedOf(`${subnet}/leaf`))).not.toContain("Authorization Violation");
    },
  );

  test("refuses what has no key here, and everything is as it should be in the end", async () => {
    for (const args of [["gamma/hub"], ["alpha/nobody"], ["gamma", "--leaf"], ["alpha/hub", "--leaf"]]) {
      expect(await mesh.ask(["node", "rotate", ...args])).toMatchObject({ code: 64 });
    }
    expect(await mesh.ask(["policy", "compile", "--check"])).toMatchObject({ code: 0, stdout: "" });
    await mesh.adaos(["down"]);
    await mesh.up();
    const { eventId } = await kitchen.publish("ui.notify", { text: "after a restart" });
    await until("it is at the lamp", () => lamp.includes(eventId));
  });

  /** Id of a subnet's leaf connection at the root's server; 0 when it has none. */
  async function leafOf(subnet: string): Promise<number> {
    const { leafs } = await mesh.monitor<{ leafs?: { id: number; account: string }[] }>("root", "LEAFZ");
    return Math.max(
      0,
      ...(leafs ?? []).filter(({ account }) => account === `LEAF_${subnet}`).map(({ id }) => id),
    );
  }

  /** What the root's server says to a hub's server that has this seed, in its first half second. */
  function leafAnswer(seed: string): Promise<string> {
    const { ports } = mesh.layout() as unknown as { ports: Record<string, { leafPort: number }> };
    return new Promise((resolve) => {
      let told = "";
      let isSaid = false;
      const socket = dial(ports["root"]?.leafPort ?? 0, "127.0.0.1");
      socket.on("data", (data: Buffer) => {
        told += data.toString("latin1");
        if (isSaid || !told.includes("\r\n")) return;
        isSaid = true;
        const { nonce } = JSON.parse(told.slice(told.indexOf("{"), told.indexOf("\r\n"))) as {
          nonce: string;
        };
        const key = nkeys.fromSeed(new TextEncoder().encode(seed));
        const sig = Buffer.from(key.sign(new TextEncoder().encode(nonce))).toString("base64url");
        const connectOptions = {
          nkey: key.getPublicKey(),
          sig,
          name: "raw",
          version: "2.15.1",
          headers: true,
        };
        socket.write(`CONNECT ${JSON.stringify(connectOptions)}\r\nPING\r\n`);
        setTimeout(() => socket.destroy(), 500);
      });
      socket.on("error", () => undefined);
      socket.once("close", () => resolve(told));
    });
  }
});
