import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bus, Published } from "@adaos/core";
import { AckPolicy, DeliverPolicy } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";
import { storedEvents } from "../kit/stored-events.ts";

const MESH = `
mesh: links
registry: ../schemas/events
root: { daemons: 2 }
subnets:
  alpha:
    export: [ui.]
    members: { kitchen: { publish: [ui.] } }
  beta:
    import: [ui.]
    members: { desk: { subscribe: [ui.] } }
  gamma:
    import: [ui.]
    members: { porch: { subscribe: [ui.] } }
`;

/** 100/s: what a handler of one at a time, who remembers each, keeps up with on a busy machine. */
const TICK_MS = 10;
/** Time in which the pause of a takeover is looked for. */
const TAKEOVER_MS = 8000;

/** What a stream holds, in its order, with the time of each. */
interface Stored {
  readonly ids: readonly string[];
  readonly atMs: readonly number[];
}

/** What a root daemon tells of its links. */
interface Status {
  readonly parts: Readonly<Record<string, { readonly details?: { readonly standsBy?: boolean } }>>;
}

/** Longest time in which nothing was stored, within some seconds of this moment. */
function longestGapMs({ atMs }: Stored, fromMs: number, withinMs: number): number {
  const times = [fromMs, ...atMs.filter((ms) => ms >= fromMs && ms < fromMs + withinMs), fromMs + withinMs];
  return Math.max(...times.slice(1).map((ms, i) => ms - (times[i] ?? ms)));
}

function countWithin(atMs: readonly number[], fromMs: number, withinMs: number): number {
  return atMs.filter((ms) => ms >= fromMs && ms < fromMs + withinMs).length;
}

describe("links", { timeout: 240_000 }, () => {
  let mesh: TestMesh;
  let kitchen: Bus;
  /** Ids as they were handled. */
  let beta: readonly string[];
  let gamma: readonly string[];
  /** When each event was published. */
  const sentMs: number[] = [];

  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: MESH });
    kitchen = await mesh.connect("alpha/kitchen");
    beta = await handledAt("beta/desk");
    gamma = await handledAt("gamma/porch");
  });
  afterAll(async () => {
    await mesh.stop();
  });

  async function handledAt(member: string): Promise<readonly string[]> {
    const ids: string[] = [];
    const bus = await mesh.connect(member);
    await bus.subscribe("ui.notify", { durable: "all", maxConcurrency: 1 }, ({ event_id: id }) => {
      ids.push(id);
    });
    return ids;
  }

  /** Publishes steadily while `during` runs. Returns what was published, in order. */
  async function publishWhile(during: () => Promise<void>): Promise<string[]> {
    const publishing: Promise<Published>[] = [];
    const clock = setInterval(() => {
      sentMs.push(Date.now());
      publishing.push(kitchen.publish("ui.notify", { text: `no. ${publishing.length}` }));
    }, TICK_MS);
    try {
      await during();
    } finally {
      clearInterval(clock);
    }
    return (await Promise.all(publishing)).map(({ eventId }) => eventId);
  }

  /** What the subnet's stream holds of alpha's events; its daemons publish events of their own. */
  async function storedAt(subnet: string): Promise<Stored> {
    const events = await storedEvents(mesh, subnet, `EVENTS_${subnet}`, "evt.alpha.>");
    return { ids: events.map(({ id }) => id), atMs: events.map(({ atMs }) => atMs) };
  }

  /** The root daemon that serves both links from alpha to beta, or nothing while there is none. */
  async function servingRoot(): Promise<string | undefined> {
    for (const id of ["root", "root-2"]) {
      try {
        const { statusUrl } = JSON.parse(readFileSync(join(mesh.state, "run", `${id}.json`), "utf8"));
        const { parts } = (await (await fetch(`${statusUrl}/status`)).json()) as Status;
        if (parts["link up alpha"]?.details?.standsBy === false) return id;
      } catch {
        // It is just being started again.
      }
    }
    return undefined;
  }

  /** Ends the daemon that serves the link by this signal, waits for the other one, and returns when that was. */
  async function takeover(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP"): Promise<number> {
    const before = await servingRoot();
    if (before === undefined) throw new Error("no root daemon serves the link");
    const atMs = Date.now();
    if (signal === "SIGSTOP") {
      const goOn = mesh.freeze(before);
      await until("it has stood still for a while", () => Date.now() - atMs > 6000);
      goOn();
    } else process.kill(mesh.pid(before), signal);
    await until("another serves the link", async () => (await servingRoot()) !== before);
    await until("some seconds have passed", () => Date.now() > atMs + TAKEOVER_MS);
    await until("there are two again", () => mesh.isReady());
    return atMs;
  }

  test("of two root daemons one carries; when it ends the other takes over, and nothing is lost or out of order", async () => {
    const from = beta.length;
    const ends: Record<string, number> = {};
    const published = await publishWhile(async () => {
      await until("the first have arrived", () => beta.length > from + 100);
      ends["first kill -9"] = await takeover("SIGKILL");
      ends["second kill -9"] = await takeover("SIGKILL");
      ends["orderly stop"] = await takeover("SIGTERM");
      ends["standstill of 6 s"] = await takeover("SIGSTOP");
    });
    await until("all have arrived", () => beta.length - from >= published.length, 60_000);
    await until("at gamma too", () => gamma.length - from >= published.length, 60_000);
    const stored = await storedAt("beta");
    const gaps = Object.fromEntries(
      Object.entries(ends).map(([how, atMs]) => [how, Math.round(longestGapMs(stored, atMs, TAKEOVER_MS))]),
    );
    process.stdout.write(
      `nothing was stored for, in ms: ${JSON.stringify(gaps)}; ${published.length} events in all\n`,
    );
    expect(stored.ids.slice(-published.length)).toEqual(published);
    expect(beta.slice(from)).toEqual(published);
    expect(gamma.slice(from)).toEqual(published);
    // 2.5 s until the server gives up who is gone; the rest is a busy machine.
    expect(gaps["first kill -9"]).toBeLessThan(6000);
    expect(gaps["second kill -9"]).toBeLessThan(6000);
    expect(gaps["orderly stop"]).toBeLessThan(2400);
    expect(gaps["standstill of 6 s"]).toBeLessThan(5500);
  });

  test("the one that stands by is ready and says so", async () => {
    await until("all is ready", () => mesh.isReady());
    const { stdout } = await mesh.ask(["status"]);
    expect(stdout.match(/^link +up alpha \(root(-2)?\) +ready +\d+ carried, stands by$/gm)).toHaveLength(1);
    expect(stdout.match(/^link +up alpha \(root(-2)?\) +ready +\d+ carried$/gm)).toHaveLength(1);
    expect(stdout).toMatch(/^node +root-2 +ready/m);
  });

  test("a subnet whose server has stopped holds back no other, and gets everything in order when it goes on", async () => {
    const from = beta.length;
    const longestMs = 8000;
    let stoppedMs = 0;
    const published = await publishWhile(async () => {
      await until("the first have arrived", () => beta.length > from + 100);
      const goOn = mesh.freeze("nats-beta");
      try {
        stoppedMs = Date.now();
        await until("some seconds have passed", () => Date.now() > stoppedMs + longestMs);
      } finally {
        goOn();
      }
    });
    await until("all have arrived", () => beta.length - from >= published.length, 60_000);
    await until("at gamma too", () => gamma.length - from >= published.length, 60_000);
    const [stored, elsewhere] = [await storedAt("beta"), await storedAt("gamma")];
    const sent = countWithin(sentMs, stoppedMs, longestMs);
    const atGamma = countWithin(elsewhere.atMs, stoppedMs, longestMs);
    const atBeta = countWithin(stored.atMs, stoppedMs, longestMs);
    process.stdout.write(
      `while beta stood still: ${sent} published, ${atGamma} at gamma, ${atBeta} at beta\n`,
    );
    expect(stored.ids.slice(-published.length)).toEqual(published);
    // A server that stood still may deliver late what was on its way to its members: handled once, but not in order.
    expect([...beta.slice(from)].sort()).toEqual([...published].sort());
    expect(gamma.slice(from)).toEqual(published);
    expect(longestGapMs(elsewhere, stoppedMs, longestMs)).toBeLessThan(4000);
    expect(atBeta).toBeLessThan(50);
    expect(atGamma).toBeGreaterThan(0.6 * sent);
  });

  test("a durable of an earlier version is made anew where it stands: nothing is lost, and nothing comes twice", async () => {
    const from = beta.length;
    const publish = async (count: number): Promise<string[]> => {
      const ids: string[] = [];
      for (let i = 0; i < count; i++)
        ids.push((await kitchen.publish("ui.notify", { text: `${i}` })).eventId);
      return ids;
    };
    const before = await publish(30);
    await until("the first have arrived", () => beta.length - from >= before.length);
    await mesh.asService("alpha", async (nc) => {
      const jsm = await nc.jetstreamManager();
      const { config, ack_floor: floor } = await jsm.consumers.info("EVENTS_alpha", "root");
      await jsm.consumers.delete("EVENTS_alpha", "root");
      // As it was before a link's durable served one pinned client.
      await jsm.consumers.add("EVENTS_alpha", {
        durable_name: "root",
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: floor.stream_seq + 1,
        filter_subjects: config.filter_subjects ?? [],
      });
    });
    const after = await publish(30);
    await until("all have arrived", () => beta.length - from >= before.length + after.length, 60_000);
    expect(beta.slice(from)).toEqual([...before, ...after]);
    await mesh.asService("alpha", async (nc) => {
      const jsm = await nc.jetstreamManager();
      expect((await jsm.consumers.info("EVENTS_alpha", "root")).config.ack_policy).toBe(AckPolicy.All);
      const all = await jsm.consumers.list("EVENTS_alpha").next();
      expect(all.map(({ name }) => name)).not.toContain("root-anew");
    });
  });
});
