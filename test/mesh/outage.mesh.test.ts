import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { type Bus, type Envelope, type Logger, MeshError } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leftovers, TestMesh, until } from "../kit/mesh.ts";

/** Lost connections are what these tests are about; nobody needs to read of each. */
const QUIET: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Counts what a handler was given. */
class Arrivals {
  readonly #count = new Map<string, number>();
  readonly #publishedAndArrived: { readonly publishedMs: number; readonly arrivedMs: number }[] = [];
  readonly take = (event: Envelope<unknown>): void => {
    this.#count.set(event.event_id, (this.#count.get(event.event_id) ?? 0) + 1);
    this.#publishedAndArrived.push({ publishedMs: Date.parse(event.ts), arrivedMs: Date.now() });
  };

  /** Waits until each of these has arrived at least once. */
  async all(ids: readonly string[]): Promise<void> {
    await until(`all ${ids.length} have arrived`, () => this.missing(ids).length === 0, 60_000).catch(
      (cause: unknown) => {
        throw new Error(`${this.missing(ids).length} of ${ids.length} are missing`, { cause });
      },
    );
  }

  missing(ids: readonly string[]): string[] {
    return ids.filter((id) => !this.#count.has(id));
  }

  /** Ids that were handed over more than once. */
  repeated(): string[] {
    return [...this.#count].filter(([, count]) => count > 1).map(([id]) => id);
  }

  /** When the first event arrived that was published after this moment. */
  firstPublishedAfter(momentMs: number): number | undefined {
    return this.#publishedAndArrived.find(({ publishedMs }) => publishedMs > momentMs)?.arrivedMs;
  }
}

/** What became of a load of publishes. */
interface Load {
  readonly stored: readonly string[];
  readonly rejected: readonly unknown[];
}

/** Publishes `count` notifications, 200 at a time on their way; calls `atHalf` when half of them are stored. */
async function publishLoad(bus: Bus, count: number, atHalf: () => void): Promise<Load> {
  const stored: string[] = [];
  const rejected: unknown[] = [];
  let next = 0;
  const publishInTurn = async (): Promise<void> => {
    while (next < count) {
      const text = `load ${next++}`;
      try {
        const { eventId } = await bus.publish("ui.notify", { text });
        if (stored.push(eventId) === count / 2) atHalf();
      } catch (thrown) {
        rejected.push(thrown);
      }
    }
  };
  await Promise.all(Array.from({ length: 200 }, publishInTurn));
  return { stored, rejected };
}

/** Sends events from one member of a subnet to another, each after the one before has arrived. */
class Pulse {
  readonly #bus: Bus;
  readonly #ref: string;
  readonly #data: unknown;
  readonly #beats: { readonly sentMs: number; readonly heardMs: number }[] = [];
  readonly #heard = new Map<string, number>();
  #stopped = false;
  #beating: Promise<void> = Promise.resolve();

  private constructor(bus: Bus, ref: string, data: unknown) {
    this.#bus = bus;
    this.#ref = ref;
    this.#data = data;
  }

  static async start(sender: Bus, receiver: Bus, ref: string, data: unknown): Promise<Pulse> {
    const pulse = new Pulse(sender, ref, data);
    const { subnet, node } = sender.address;
    await receiver.subscribe(ref, { durable: "pulse", from: { subnet, node } }, (event) => {
      pulse.#heard.set(event.event_id, Date.now());
    });
    pulse.#beating = pulse.#beat();
    return pulse;
  }

  /** Ends with the beat under way. Rejects when one was not heard. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#beating;
  }

  /** How many were both sent and heard between two moments. */
  between(fromMs: number, toMs: number): number {
    return this.#beats.filter(({ sentMs, heardMs }) => sentMs > fromMs && heardMs < toMs).length;
  }

  async #beat(): Promise<void> {
    while (!this.#stopped) {
      const sentMs = Date.now();
      const { eventId } = await this.#bus.publish(this.#ref, this.#data);
      await until(`pulse ${this.#ref} is heard`, () => this.#heard.has(eventId));
      this.#beats.push({ sentMs, heardMs: this.#heard.get(eventId) ?? Number.POSITIVE_INFINITY });
    }
  }
}

/** Stands between a member and its server, which through it can hang as a whole machine would: it closes nothing. */
class HangingPath {
  readonly #serverPort: number;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  /** Attempts to connect that the member has not closed and nobody has answered. */
  readonly unanswered = new Set<Socket>();
  #attempts = 0;
  #hangs = false;

  private constructor(serverPort: number) {
    this.#serverPort = serverPort;
    this.#listener = createServer((socket) => this.#onSocket(socket));
  }

  static async start(serverPort: number): Promise<HangingPath> {
    const path = new HangingPath(serverPort);
    await new Promise<void>((resolve) => path.#listener.listen(0, "127.0.0.1", resolve));
    return path;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Connections made or tried since it began to hang. */
  get attempts(): number {
    return this.#attempts;
  }

  hang(): void {
    this.#hangs = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  goOn(): void {
    this.#hangs = false;
    for (const socket of this.unanswered) this.#join(socket);
    this.unanswered.clear();
  }

  stop(): void {
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #onSocket(socket: Socket): void {
    this.#keep(socket);
    if (!this.#hangs) return this.#join(socket);
    this.#attempts++;
    this.unanswered.add(socket);
    // Only a socket that is read from tells that it was closed; what it says is of no interest.
    socket.once("close", () => this.unanswered.delete(socket)).resume();
  }

  #join(socket: Socket): void {
    const server = dial(this.#serverPort, "127.0.0.1");
    this.#keep(server);
    server.pipe(socket).pipe(server);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket)).on("error", () => socket.destroy());
  }
}

describe("outages, with real kills", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start();
  });
  afterAll(async () => {
    await mesh.stop();
  });

  /** A test that connects members, and closes them when it has ended. */
  const scene = test.extend<{ connect: TestMesh["connect"] }>({
    connect: async ({ task: _ }, use) => {
      const buses: Bus[] = [];
      await use(async (as, options) => {
        const bus = await mesh.connect(as, { log: QUIET, ...options });
        buses.push(bus);
        return bus;
      });
      await Promise.all(buses.map((bus) => bus.close()));
    },
  });

  /** Kills a process at once. The supervisor starts it again. */
  const kill = (name: string): number => {
    process.kill(mesh.pid(name), "SIGKILL");
    return Date.now();
  };

  const isReady = (): Promise<boolean> => mesh.isReady();

  scene(
    "5,000 events arrive once while the root daemon is killed twice and its server once",
    async ({ connect }) => {
      const kitchen = await connect("alpha/kitchen");
      const desk = await connect("beta/desk");
      const arrivals = new Arrivals();
      await desk.subscribe("ui.notify", { durable: "root-outage", from: { subnet: "alpha" } }, arrivals.take);
      const greeting = { intent: "greet", slots: {}, locale: "en-GB" };
      const speaker = await connect("alpha/speaker");
      const inAlpha = await Pulse.start(
        await connect("alpha/kitchen"),
        speaker,
        "nlp.intent.detected",
        greeting,
      );
      const lamp = await connect("beta/lamp");
      const inBeta = await Pulse.start(await connect("beta/desk"), lamp, "ui.notify", { text: "pulse" });

      const stored: string[] = [];
      for (const [victim, count] of [
        ["root", 1600],
        ["nats-root", 1600],
        ["root", 1800],
      ] as const) {
        let killedMs = Number.POSITIVE_INFINITY;
        const load = await publishLoad(kitchen, count, () => {
          killedMs = kill(victim);
        });
        expect(load.rejected).toEqual([]);
        stored.push(...load.stored);
        await until(`events cross again after ${victim} was killed`, () => {
          return arrivals.firstPublishedAfter(killedMs) !== undefined;
        });
        const recoveredMs = arrivals.firstPublishedAfter(killedMs) ?? Number.NaN;
        console.log(`${victim} killed: events cross again after ${recoveredMs - killedMs} ms`);
        expect(inAlpha.between(killedMs, recoveredMs)).toBeGreaterThan(0);
        expect(inBeta.between(killedMs, recoveredMs)).toBeGreaterThan(0);
      }

      await arrivals.all(stored);
      await Promise.all([inAlpha.stop(), inBeta.stop()]);
      expect(stored).toHaveLength(5000);
      expect(arrivals.repeated()).toEqual([]);
      await until("all is ready again", isReady);
    },
  );

  scene(
    "1,000 events arrive once at a hub whose server and daemon are killed while they come in",
    async ({ connect }) => {
      const kitchen = await connect("alpha/kitchen");
      const desk = await connect("beta/desk");
      const arrivals = new Arrivals();
      await desk.subscribe("ui.notify", { durable: "hub-killed", from: { subnet: "alpha" } }, arrivals.take);
      let killedMs = Number.POSITIVE_INFINITY;
      const load = await publishLoad(kitchen, 1000, () => {
        kill("beta/hub");
        killedMs = kill("nats-beta");
      });
      expect(load.rejected).toEqual([]);
      await arrivals.all(load.stored);
      console.log(`hub killed: all 1,000 there ${Date.now() - killedMs} ms after it`);
      expect(arrivals.repeated()).toEqual([]);
      await until("all is ready again", isReady);
    },
  );

  scene(
    "what a publish says is stored is handled once, here and in the other subnet, though the server is killed",
    async ({ connect }) => {
      const kitchen = await connect("alpha/kitchen");
      const speaker = await connect("alpha/speaker");
      const desk = await connect("beta/desk");
      const here = new Arrivals();
      const there = new Arrivals();
      const from = { subnet: "alpha" };
      await speaker.subscribe("ui.notify", { durable: "server-killed", from }, here.take);
      await desk.subscribe("ui.notify", { durable: "server-killed", from }, there.take);
      let killedMs = Number.POSITIVE_INFINITY;
      const load = await publishLoad(kitchen, 2000, () => {
        killedMs = kill("nats-alpha");
      });
      for (const error of load.rejected) {
        expect(error).toBeInstanceOf(MeshError);
        expect(["timeout", "unavailable"]).toContain((error as MeshError).code);
      }
      expect(load.stored.length + load.rejected.length).toBe(2000);
      await here.all(load.stored);
      const handledMs = Date.now();
      await there.all(load.stored);
      const { length: unknown } = load.rejected;
      console.log(
        `nats-alpha killed: all handled ${handledMs - killedMs} ms after it, in beta ${Date.now() - killedMs} ms; ` +
          `${unknown} publishes rejected`,
      );
      expect(here.repeated()).toEqual([]);
      expect(there.repeated()).toEqual([]);
      await until("all is ready again", isReady);
    },
  );

  scene("members that connect while their server takes new rights are not refused", async ({ connect }) => {
    const speaker = await connect("alpha/speaker");
    let subscribing = true;
    // On a busy machine a server that reads its config again and again may take more than the five seconds of others.
    const patient = { waitForServer: true, outbox: false } as const;
    const connectInTurn = async (): Promise<void> => {
      while (subscribing) await (await connect("alpha/kitchen", patient)).close();
    };
    const connecting = Array.from({ length: 4 }, connectInTurn);
    // Each durable is a right of its own, for which the server reads its config again.
    const durables = Array.from({ length: 40 }, (_, i) => `reload-${i}`);
    for (const durable of durables) await speaker.subscribe("ui.", { durable }, () => undefined);
    subscribing = false;
    await Promise.all(connecting);
  });

  // These two wait most of their time, and for servers of different subnets.
  scene.concurrent(
    "1,000 events published while a hub is frozen arrive once when it goes on",
    async ({ connect }) => {
      const kitchen = await connect("alpha/kitchen");
      const desk = await connect("beta/desk");
      const arrivals = new Arrivals();
      await desk.subscribe("ui.notify", { durable: "hub-frozen", from: { subnet: "alpha" } }, arrivals.take);
      const goOn = mesh.freeze("nats-beta", "beta/hub");
      let load: Load;
      try {
        load = await publishLoad(kitchen, 1000, () => undefined);
        expect(load.rejected).toEqual([]);
        // Only now has the downlink tried in vain, and holds what it could not store.
        await until("the downlink has noticed", async () => {
          const { components } = await mesh.health();
          return components.some(({ name, note }) => name === "down beta" && note.startsWith("target:"));
        });
      } finally {
        goOn();
      }
      const resumedMs = Date.now();
      expect(arrivals.missing(load.stored)).toHaveLength(1000);
      await arrivals.all(load.stored);
      console.log(`hub frozen: all 1,000 there ${Date.now() - resumedMs} ms after it went on`);
      expect(arrivals.repeated()).toEqual([]);
      await until("all is ready again", isReady);
    },
  );

  scene.concurrent(
    "when a server hangs, publishes end in time, and of the attempts to reach it one remains",
    async ({ connect }) => {
      const path = await HangingPath.start(Number(new URL(mesh.server("alpha").url).port));
      try {
        const node = mesh.layout().nodes.find(({ id }) => id === "alpha/kitchen");
        const config = JSON.parse(readFileSync(node?.nodeFile ?? "", "utf8")) as { server: { url: string } };
        config.server.url = path.url;
        const nodeFile = join(mesh.dir, "kitchen-by-another-path.json");
        writeFileSync(nodeFile, JSON.stringify(config));
        const kitchen = await connect("alpha/kitchen", { config: nodeFile, outbox: false });
        expect((await kitchen.publish("ui.notify", { text: "before" })).duplicate).toBe(false);

        path.hang();
        const hungMs = Date.now();
        // More than the system buffers on its way: it cannot all be sent.
        const text = "字".repeat(2000);
        const outcomes = await Promise.allSettled(
          Array.from({ length: 5000 }, () => kitchen.publish("ui.notify", { text })),
        );
        const codes = outcomes.map(
          (outcome) => outcome.status === "rejected" && (outcome.reason as MeshError).code,
        );
        expect([...new Set(codes)].sort()).toEqual(["timeout", "unavailable"]);
        expect(Date.now() - hungMs).toBeLessThan(20_000);
        await until("the member has given up two attempts to connect", () => path.attempts >= 3);
        expect(path.unanswered.size).toBeLessThanOrEqual(1);

        path.goOn();
        await until("the member publishes again", async () => {
          return kitchen.publish("ui.notify", { text: "after" }).then(
            () => true,
            () => false,
          );
        });
      } finally {
        path.stop();
      }
    },
  );

  scene("what was stored and not handled before down is delivered after up, once", async ({ connect }) => {
    const before = await connect("beta/desk");
    const subscription = { durable: "across-down", from: { subnet: "alpha" } };
    await before.subscribe("ui.notify", subscription, () => undefined);
    await before.close();
    const kitchen = await connect("alpha/kitchen");
    const { stored } = await publishLoad(kitchen, 50, () => undefined);
    expect(stored).toHaveLength(50);

    expect((await mesh.adaos(["down"])).code).toBe(0);
    await mesh.up();

    const after = await connect("beta/desk");
    const arrivals = new Arrivals();
    await after.subscribe("ui.notify", subscription, arrivals.take);
    await arrivals.all(stored);
    expect(arrivals.repeated()).toEqual([]);
  });

  scene(
    "a mesh whose supervisor and guard were killed goes on; up takes it over, and down leaves nothing of it",
    async () => {
      const orphans = [...mesh.pids().values()];
      const layout = mesh.layout();
      const ports = layout.servers.map(({ url }) => Number(new URL(url).port));
      // Each of the two would bring back the other.
      for (const name of ["guard", "supervisor"]) process.kill(mesh.pid(name), "SIGSTOP");
      for (const name of ["guard", "supervisor"]) process.kill(mesh.pid(name), "SIGKILL");
      const { components } = JSON.parse((await mesh.adaos(["status", "--json"])).stdout) as {
        components: { kind: string; ready: boolean }[];
      };
      expect(components.filter(({ ready }) => !ready).map(({ kind }) => kind)).toEqual(["supervisor"]);

      await mesh.up();
      const successors = [...mesh.pids().values()];
      expect(successors).toHaveLength(orphans.length);
      expect(await leftovers(orphans, [])).toEqual([]);
      expect(await leftovers(successors, ports)).toHaveLength(successors.length + ports.length);

      expect((await mesh.adaos(["down"])).code).toBe(0);
      expect(await leftovers(successors, ports)).toEqual([]);
    },
  );
});
