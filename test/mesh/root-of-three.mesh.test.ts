import type { Bus, Published } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";
import { gapsMs, type StoredEvent, storedEvents } from "../kit/stored-events.ts";

const MESH = `
mesh: three
registry: ../schemas/events
tls: { development: true, verify: true }
root: { servers: 3 }
subnets:
  alpha:
    export: [ui.]
    members: { kitchen: { publish: [ui.] } }
  beta:
    import: [ui.]
    members: { desk: { subscribe: [ui.] } }
`;

/** 25/s: what a handler of one at a time keeps up with on a busy machine. */
const TICK_MS = 40;
/** An election takes up to 9 s by the servers' own limits, and mostly 4 to 6. */
const RECOVERY_MS = 10_000;
const SERVERS = ["nats-root", "nats-root-2", "nats-root-3"];

describe("a root of three servers", { timeout: 240_000 }, () => {
  let mesh: TestMesh;
  let kitchen: Bus;
  const handled: string[] = [];
  const publishing: Promise<Published>[] = [];
  let clock: NodeJS.Timeout | undefined;

  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: MESH });
    kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("ui.notify", { durable: "all", maxConcurrency: 1 }, ({ event_id: id }) => {
      handled.push(id);
    });
    clock = setInterval(() => {
      publishing.push(kitchen.publish("ui.notify", { text: `no. ${publishing.length}` }));
    }, TICK_MS);
  }, 120_000);
  afterAll(async () => {
    clearInterval(clock);
    await mesh?.stop();
  });

  function storedAtBeta(): Promise<readonly StoredEvent[]> {
    return storedEvents(mesh, "beta", "EVENTS_beta", "evt.alpha.>");
  }

  async function leader(): Promise<string> {
    let name: string | undefined;
    await until("a server leads", async () => {
      const { components } = await mesh.health();
      name = components.find(({ note }) => note.endsWith("; leads MESH"))?.name;
      return name !== undefined;
    });
    return name ?? "";
  }

  /** Waits until new events arrive, and everything is ready again. */
  async function recovered(): Promise<void> {
    await until("all is ready again", () => mesh.isReady(), 60_000);
    const count = handled.length;
    await until("events arrive", () => handled.length > count + 20, 60_000);
  }

  test("any server may be killed, and the whole of a machine: nothing is lost, and events flow again soon", async () => {
    await recovered();
    const killedMs: number[] = [];
    // The leader alone, then each in turn with the daemon beside it.
    for (const server of [undefined, ...SERVERS]) {
      const name = server ?? (await leader());
      const daemons = server === undefined ? [] : [server.slice("nats-".length)];
      killedMs.push(Date.now());
      for (const victim of [name, ...daemons]) process.kill(mesh.pid(victim), "SIGKILL");
      await recovered();
    }
    const gaps = gapsMs(await storedAtBeta(), killedMs);
    expect(Math.max(...gaps)).toBeLessThan(RECOVERY_MS);
  });

  test("without most of its servers the root waits, and tells why; then nothing is lost", async () => {
    await recovered();
    const goOn = mesh.freeze();
    for (const name of SERVERS.slice(1)) process.kill(mesh.pid(name), "SIGKILL");
    await until("the server that is left tells of it", async () => {
      const { components } = await mesh.health();
      const left = components.find(({ name }) => name === SERVERS[0]);
      return left?.note.endsWith("1 of 3 servers of root run, and 2 are needed") === true;
    });
    const count = publishing.length;
    await until("more is published", () => publishing.length > count + 50);
    goOn();
    await recovered();
    clearInterval(clock);
    const sent = (await Promise.all(publishing)).map(({ eventId }) => eventId);
    await until("all are handled", () => handled.length >= sent.length, 60_000);
    expect(handled).toEqual(sent);
    expect((await storedAtBeta()).map(({ id }) => id)).toEqual(sent);
  });
});
