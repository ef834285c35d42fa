import type { Bus } from "@adaos/client";
import { newEventId } from "@adaos/core";
import type { Connection } from "@adaos/transport-nats";
import { headers as newHeaders } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

/**
 * So large that what a flood adds after its end leaves room: a server holds twice 8 MiB of a stream in its buffers, and
 * stores them even if their sender has lost its rights.
 */
const MAX_BYTES = 134_217_728;
const YAML = `
mesh: flooded
registry: ../schemas/events
streams: { maxBytes: ${MAX_BYTES}, maxShare: 0.5 }
flood: { messagesPerSecond: 4000 }
subnets:
  alpha:
    export: [ui.]
    members:
      kitchen: { publish: [ui.] }
      desk: { subscribe: [ui.] }
      evil: { publish: [ui., timer.], subscribe: [ui.] }
      noise: { publish: [ui.] }
      hasty: { publish: [ui.], limits: [{ events: ui., eventsPerSecond: 20 }] }
  beta:
    import: [ui.]
    members: { desk: { subscribe: [ui.] } }
  gamma:
    export: [ui.]
    members: { hall: { publish: [ui.] } }
`;
/** A flood that nobody has ended by then goes on for ever. */
const FLOOD_MS = 20_000;

/** An event as any, made large by what JSON takes no note of. */
function eventOf(node: string, bytes: number): { id: string; body: string } {
  const id = newEventId(Date.now());
  const envelope = {
    event_id: id,
    event_name: "ui.notify",
    version: 1,
    kind: "event",
    ts: new Date().toISOString(),
    source: `app@${node}`,
    correlation_id: id,
    tenant: "default",
    headers: {},
    data: { text: node },
  };
  return { id, body: JSON.stringify(envelope).padEnd(bytes) };
}

/** Members with a client of their own that write as much as they can, and what becomes of all others meanwhile. */
describe("a member that floods", { timeout: 60_000 }, () => {
  let mesh: TestMesh;
  let evil: Connection;
  let kitchen: Bus;
  let hall: Bus;
  const arrived = { near: new Set<string>(), far: new Set<string>() };
  const published = { near: new Set<string>(), far: new Set<string>() };
  const refusals: unknown[] = [];
  let slowestMs = 0;
  let isCalm = false;
  let isHeld = false;
  let inFlight = 0;
  let calm: Promise<unknown> = Promise.resolve();

  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
    // Half of a hub's stream, so that one member's share there is more than its subnet's share here.
    await resize("root", "MESH", MAX_BYTES / 2);
    evil = await mesh.openMember("alpha/evil");
    kitchen = await mesh.connect("alpha/kitchen", { outbox: false });
    hall = await mesh.connect("gamma/hall", { outbox: false });
    const desk = await mesh.connect("alpha/desk");
    const farDesk = await mesh.connect("beta/desk");
    await desk.subscribe(
      "ui.notify",
      { durable: "near", from: { node: "kitchen" } },
      ({ event_id: eventId }) => {
        arrived.near.add(eventId);
      },
    );
    await farDesk.subscribe(
      "ui.notify",
      { durable: "far", from: { subnet: "gamma" } },
      ({ event_id: eventId }) => {
        arrived.far.add(eventId);
      },
    );
    calm = Promise.all([goOn(kitchen, published.near), goOn(hall, published.far)]);
  });
  afterAll(async () => {
    isCalm = true;
    await calm;
    await evil.close();
    await mesh.stop();
  });

  /** Publishes calmly until the test is over. */
  async function goOn(bus: Bus, ids: Set<string>): Promise<void> {
    while (!isCalm) {
      if (!isHeld) await publishOne(bus, ids);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function publishOne(bus: Bus, ids: Set<string>): Promise<void> {
    const startedMs = performance.now();
    inFlight++;
    try {
      ids.add((await bus.publish("ui.notify", { text: "calm" })).eventId);
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    } catch (thrown) {
      refusals.push(thrown);
    }
    inFlight--;
  }

  function allArrived(): boolean {
    const isThere = (way: "near" | "far"): boolean => [...published[way]].every((id) => arrived[way].has(id));
    return inFlight === 0 && isThere("near") && isThere("far");
  }

  /** Writes until the server refuses it. Returns the subject that was refused; nothing when it never was. */
  async function flood(
    of: Connection,
    next: (i: number) => [subject: string, body: string, id?: string],
  ): Promise<string | undefined> {
    let refused: string | undefined;
    const unlisten = of.listen({
      onPublishDenied: (subject) => {
        refused = subject;
      },
    });
    const endMs = Date.now() + FLOOD_MS;
    for (let i = 0; refused === undefined && Date.now() < endMs; i++) {
      const [subject, body, id] = next(i);
      const headers = newHeaders();
      headers.set("Nats-Msg-Id", id ?? `${subject}-${i}`);
      of.nc.publish(subject, body, { headers });
      if (i % 16 !== 15) continue;
      // Below what would have it shut out.
      await Promise.all([of.nc.flush(), new Promise((resolve) => setTimeout(resolve, 8))]);
    }
    unlisten();
    return refused;
  }

  /** What part of a stream is used. */
  async function filled(of: string, stream: string): Promise<number> {
    return mesh.asService(of, async (nc) => {
      const { state, config } = await (await nc.jetstreamManager()).streams.info(stream);
      return state.bytes / config.max_bytes;
    });
  }

  async function resize(of: string, stream: string, maxBytes: number): Promise<void> {
    await mesh.asService(of, async (nc) => {
      await (await nc.jetstreamManager()).streams.update(stream, { max_bytes: maxBytes });
    });
  }

  /** What has not been delivered would be lost to a purge, so the calm ones wait for a moment. */
  async function purge(of: string, stream: string): Promise<void> {
    isHeld = true;
    await until("all that the calm ones have published is there", allArrived);
    await mesh.asService(of, async (nc) => (await nc.jetstreamManager()).streams.purge(stream));
    isHeld = false;
  }

  test("with events is refused, told why, and let in again", async () => {
    // They stay in the subnet, so that the root brings none of them back after the purge.
    const refused = await flood(evil, () => {
      const { id, body } = eventOf("evil", 32_000);
      return ["evt.alpha.evil.timer.fired.v1", body, id];
    });
    expect(refused).toBe("evt.alpha.evil.timer.fired.v1");
    const fill = await filled("alpha", "EVENTS_alpha");
    process.stdout.write(
      `EVENTS_alpha ${fill.toFixed(2)}, MESH ${(await filled("root", "MESH")).toFixed(2)}\n`,
    );
    expect(fill).toBeLessThan(1);
    const bus = await mesh.connect("alpha/evil", { outbox: false });
    await expect(bus.publish("ui.notify", { text: "once more" })).rejects.toMatchObject({
      code: "backpressure",
      message: expect.stringMatching(/^alpha\/evil holds .* in EVENTS_alpha.*try again in \d+ ms$/),
    });
    expect((await mesh.adaos(["status"])).stdout).toMatch(/evil writes no evt, rpy: alpha\/evil holds/);
    await purge("alpha", "EVENTS_alpha");
    await until("it may publish again", () =>
      bus.publish("ui.notify", { text: "again" }).then(
        () => true,
        () => false,
      ),
    );
  });

  test("with events that leave the subnet waits for the others at the root and beyond", async () => {
    await flood(evil, () => {
      const { id, body } = eventOf("evil", 32_000);
      return ["evt.alpha.evil.ui.notify.v1", body, id];
    });
    const waits = async (): Promise<boolean> =>
      /up alpha +ready .*waits: alpha holds .* in MESH/.test((await mesh.adaos(["status"])).stdout);
    await until("its uplink waits", waits);
    const fills = [await filled("root", "MESH"), await filled("beta", "EVENTS_beta")];
    process.stdout.write(`MESH ${fills[0]?.toFixed(2)}, EVENTS_beta ${fills[1]?.toFixed(2)}\n`);
    for (const fill of fills) expect(fill).toBeLessThan(1);
    // In this order, so that neither fills the other again.
    await purge("root", "MESH");
    await purge("alpha", "EVENTS_alpha");
    await until("it waits no more", async () => !(await waits()));
  });

  test.each([
    ["dead letters", "DLQ_alpha", 200_000, (i: number) => `dlq.alpha.evil.mine.${i}-x`],
    ["records", "PROCESSING_alpha", 32_000, (i: number) => `proc.alpha.evil.mine.${i}`],
    ["metrics", "METRICS_alpha", 32_000, (i: number) => `met.alpha.evil.x${i}.2026-11-29T08`],
  ])("with %s is refused before the others' have no room", async (_, stream, bytes, subject) => {
    const body = "x".repeat(bytes);
    expect(await flood(evil, (i) => [subject(i), body])).toBeDefined();
    const fill = await filled("alpha", stream);
    process.stdout.write(`${stream} ${fill.toFixed(2)}\n`);
    expect(fill).toBeLessThan(1);
    await purge("alpha", stream);
  });

  test("with events beyond its own limit is refused until it has paid", async () => {
    const hasty = await mesh.openMember("alpha/hasty");
    // So small that a second of them is far from any share.
    const refused = await flood(hasty, () => {
      const { id, body } = eventOf("hasty", 0);
      return ["evt.alpha.hasty.ui.notify.v1", body, id];
    });
    await hasty.close();
    expect(refused).toBe("evt.alpha.hasty.ui.notify.v1");
    const bus = await mesh.connect("alpha/hasty", { outbox: false });
    await expect(bus.publish("ui.notify", { text: "once more" })).rejects.toMatchObject({
      code: "backpressure",
      message: expect.stringMatching(/^alpha\/hasty may publish 20 events\/s of ui\..*try again in \d+ ms$/),
    });
  });

  test("with what is not stored is shut out", async () => {
    const noise = await mesh.openMember("alpha/noise");
    const endMs = Date.now() + FLOOD_MS;
    for (let i = 0; noise.connected && Date.now() < endMs; i++) {
      noise.nc.publish("svc.hub.noise.budget", "{}", { reply: "_INBOX_noise.x" });
      noise.nc.publish("$JS.ACK.EVENTS_alpha.desk_near.1.1.1.1.1", "+ACK");
      if (i % 500 !== 499) continue;
      noise.nc.publish("evt.alpha.kitchen.ui.notify.v1", "refused");
      const flushed = noise.nc.flush().catch(() => undefined);
      await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, 500))]);
    }
    expect(noise.connected).toBe(false);
    expect((await mesh.adaos(["status"])).stdout).toMatch(/noise is shut out: it sent \d+ messages\/s/);
    await noise.close();
  });

  test("has kept nobody else from anything", async () => {
    isCalm = true;
    await calm;
    process.stdout.write(
      `${published.near.size} near and ${published.far.size} far, the slowest publish ${Math.round(slowestMs)} ms\n`,
    );
    expect(refusals).toEqual([]);
    await until("all are there", allArrived);
  });
});
