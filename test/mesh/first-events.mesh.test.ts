import { readFileSync } from "node:fs";
import { runFilePath } from "@adaos/config";
import { type Bus, decodeEnvelope, type Envelope } from "@adaos/core";
import { storedMessages } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

interface Drift {
  readonly drift: string;
  readonly role: string;
  readonly event: string;
  readonly component: string;
}

let mesh: TestMesh;
beforeAll(async () => {
  mesh = await TestMesh.start();
});
afterAll(() => mesh.stop());

/** The events of one name in a subnet's stream, oldest first. */
async function stored(subnet: string, name: string): Promise<Envelope[]> {
  const connection = await mesh.openService(subnet);
  try {
    const all: Envelope[] = [];
    const subject = `evt.${subnet}.*.${name}.v1`;
    for await (const { body } of storedMessages(connection, `EVENTS_${subnet}`, subject))
      all.push(decodeEnvelope(body, false));
    return all;
  } finally {
    await connection.close();
  }
}

async function dataOf(subnet: string, name: string): Promise<Record<string, unknown>[]> {
  return (await stored(subnet, name)).map(({ data }) => data as Record<string, unknown>);
}

/** Polls until so many events of a name are stored. */
async function untilStored(subnet: string, name: string, count: number): Promise<Envelope[]> {
  let found: Envelope[] = [];
  await until(`${count} ${name} in ${subnet}`, async () => {
    found = await stored(subnet, name);
    return found.length >= count;
  });
  return found;
}

describe("the start of a mesh", () => {
  test("is reported by each daemon, once, by the time that it takes part and by the time that it is ready", async () => {
    const booted = await untilStored("alpha", "system.boot.completed", 4);
    expect(booted.map(({ source }) => source).toSorted()).toEqual([
      "system@hub",
      "system@kitchen",
      "system@root",
      "system@speaker",
    ]);
    const ready = await untilStored("alpha", "mesh.node.ready", 4);
    expect(ready.map(({ data }) => data).toSorted(byNode)).toEqual(
      [
        { node: "alpha/hub", role: "hub" },
        { node: "alpha/kitchen", role: "member" },
        { node: "alpha/speaker", role: "member" },
        { node: "root", role: "root" },
      ].map((one) => ({ ...one, version: expect.any(String), duration_ms: expect.any(Number) })),
    );
    expect(await untilStored("beta", "mesh.node.ready", 4)).toHaveLength(4);
  });

  test("reports each link in its own subnet", async () => {
    for (const subnet of ["alpha", "beta"]) {
      const up = await untilStored(subnet, "mesh.link.up", 2);
      expect(up.map(({ source }) => source)).toEqual(["daemon@root", "daemon@root"]);
      const places = (await dataOf(subnet, "mesh.link.up")).map(({ subnet: of, direction }) => [
        of,
        direction,
      ]);
      expect(places.toSorted()).toEqual([
        [subnet, "down"],
        [subnet, "up"],
      ]);
    }
  });

  test("leaves no drift of these events", async () => {
    const { stdout } = await mesh.ask(["events", "registry", "drift", "--json"]);
    const drifts = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Drift);
    expect(drifts.filter(({ drift }) => drift === "seen-never-declared")).toEqual([]);
    const silent = drifts.filter(({ role }) => role === "producer").map(({ event }) => event);
    for (const event of ["system.boot.completed@1", "mesh.node.ready@1", "mesh.link.up@1"])
      expect(silent).not.toContain(event);
  });

  test("is reported anew by a process that takes another's place", async () => {
    const pid = mesh.pid("alpha/speaker");
    process.kill(pid, "SIGKILL");
    await until("speaker is replaced", () => mesh.isReplaced("alpha/speaker", pid));
    const booted = await untilStored("alpha", "system.boot.completed", 5);
    expect(booted.at(-1)?.source).toBe("system@speaker");
    expect(new Set(booted.map(({ event_id }) => event_id)).size).toBe(5);
    await untilStored("alpha", "mesh.node.ready", 5);
  });
});

function byNode(a: unknown, b: unknown): number {
  return String((a as { node: string }).node).localeCompare(String((b as { node: string }).node));
}

describe("a link", () => {
  test("that is down for a while is reported down, since when and why, and up again", async () => {
    await untilStored("beta", "mesh.link.up", 2);
    let downSinceMs: number | undefined;
    const goOn = mesh.freeze("nats-beta");
    try {
      // The root alone is asked: "adaos status" would wait for the frozen processes.
      const runFile = readFileSync(runFilePath(mesh.state, "root"), "utf8");
      const { statusUrl } = JSON.parse(runFile) as { readonly statusUrl: string };
      await until("the root has seen the uplink down for long enough", async () => {
        const { parts } = (await (await fetch(`${statusUrl}/status`)).json()) as StatusAnswer;
        downSinceMs = parts["link up beta"]?.ready === false ? (downSinceMs ?? Date.now()) : undefined;
        return downSinceMs !== undefined && Date.now() - downSinceMs > 7000;
      });
    } finally {
      goOn();
    }
    const [down] = await untilStored("beta", "mesh.link.down", 1);
    const { reason, since, ...link } = (down?.data ?? {}) as Record<string, string>;
    expect(link).toEqual({ subnet: "beta", direction: "up" });
    expect(reason).toMatch(/^source: ./);
    expect(Date.parse(since ?? "")).toBeLessThan(Date.parse(down?.ts ?? "") - 4000);
    await untilStored("beta", "mesh.link.up", 3);
    expect(await stored("alpha", "mesh.link.down")).toEqual([]);
  });
});

interface StatusAnswer {
  readonly parts: Readonly<Record<string, { readonly ready: boolean }>>;
}

describe("a dead letter", () => {
  async function failing(bus: Bus, pattern: string, durable: string): Promise<void> {
    await bus.subscribe(pattern, { durable, retry: { maxRetries: 0 } }, () => {
      throw new Error("the screen did not answer");
    });
  }

  test("is reported by the hub of its subnet, once", async () => {
    const speaker = await mesh.connect("alpha/speaker");
    await failing(speaker, "ui.notify", "screen");
    const kitchen = await mesh.connect("alpha/kitchen");
    const { eventId } = await kitchen.publish("ui.notify", { text: "one" });
    const [letter] = await untilStored("alpha", "mesh.delivery.dead_lettered", 1);
    expect(letter?.source).toBe("daemon@hub");
    expect(letter?.data).toMatchObject({
      node: "alpha/speaker",
      durable: "screen",
      event: "ui.notify@1",
      event_id: eventId,
      attempts: 1,
      reason: "the screen did not answer",
    });
  });

  test("of many at once is reported in part, and the others are counted", async () => {
    const before = (await dataOf("alpha", "mesh.delivery.dead_lettered")).length;
    const kitchen = await mesh.connect("alpha/kitchen");
    const count = 60;
    await Promise.all(
      Array.from({ length: count }, (_, i) => kitchen.publish("ui.notify", { text: `many ${i}` })),
    );
    let told: Record<string, unknown>[] = [];
    await until("all are told of", async () => {
      told = (await dataOf("alpha", "mesh.delivery.dead_lettered")).slice(before);
      return told.reduce((sum, { unreported = 0 }) => sum + 1 + Number(unreported), 0) === count;
    });
    expect(told.length).toBeLessThan(count);
  });
});

describe("a timer without an event", () => {
  test("publishes timer.tick as the member that may", async () => {
    const added = await mesh.ask(["timer", "add", "--in", "1s"]);
    expect([added.code, added.stderr]).toEqual([0, ""]);
    const [tick] = await untilStored("alpha", "timer.tick", 1);
    expect(tick?.source).toBe("timer@kitchen");
  });
});
