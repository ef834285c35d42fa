import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Bus, NonRetryableError, RetryableError } from "@adaos/client";
import { nodeFilePath, nodeId } from "@adaos/config";
import { newEventId } from "@adaos/core";
import { formatSubject } from "@adaos/core/wire";
import { StreamPublisher } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";

interface Verdict {
  readonly verdict: string;
  readonly to: string;
  readonly hop: string;
  readonly reason: string;
  readonly by?: string;
  readonly place?: string;
  readonly since?: string;
  readonly next: string;
}

const YAML = readFileSync(join(HOME, "deploy/mesh.yaml"), "utf8");
/** A wait that no test sees the end of. */
const PATIENT = { baseMs: 60_000, factor: 1, maxRetries: 2, jitter: 0 } as const;

describe("adaos why and adaos trace, on a real mesh", () => {
  let mesh: TestMesh;
  let kitchen: Bus;
  let desk: Bus;

  async function why(...args: readonly string[]): Promise<Verdict[]> {
    const { code, stdout, stderr } = await mesh.adaos(["why", ...args, "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Verdict);
  }

  /** The verdict at a durable or member, once it is this one. */
  async function verdict(wanted: string, to: string, ...args: readonly string[]): Promise<Verdict> {
    let all: Verdict[] = [];
    const find = (): Verdict | undefined => all.find((one) => one.verdict === wanted && one.to === to);
    const deadlineMs = Date.now() + 15_000;
    while (find() === undefined) {
      if (Date.now() > deadlineMs) throw new Error(`${to} is not ${wanted}: ${JSON.stringify(all)}`);
      all = await why(...args);
    }
    return find() as Verdict;
  }

  const notify = async (text: string): Promise<string> =>
    (await kitchen.publish("ui.notify", { text })).eventId;

  /** Stores what no schema was asked about. */
  async function publishRaw(name: string, data: object): Promise<string> {
    const bare = await mesh.openMember("alpha/kitchen");
    const id = newEventId(Date.now());
    const envelope = {
      event_id: id,
      event_name: name,
      version: 1,
      kind: "event",
      ts: new Date().toISOString(),
      source: "test@kitchen",
      correlation_id: id,
      tenant: "default",
      headers: {},
      data,
    };
    try {
      const subject = formatSubject({ subnet: "alpha", node: "kitchen", name, version: 1 });
      const publisher = new StreamPublisher(bare);
      await publisher.publish({ subject, id, headers: {}, body: Buffer.from(JSON.stringify(envelope)) });
      await publisher.close();
    } finally {
      await bare.close();
    }
    return id;
  }

  beforeAll(async () => {
    mesh = await TestMesh.start();
    kitchen = await mesh.connect("alpha/kitchen");
    desk = await mesh.connect("beta/desk");
    await desk.subscribe("ui.notify", { durable: "screen", retry: PATIENT }, async (event) => {
      const { text } = event.data as { text: string };
      if (text === "retry") throw new RetryableError("screen is busy");
      if (text === "dead") throw new NonRetryableError("no such screen");
      if (text === "good") await desk.publish("ui.notify", { text: "seen" });
    });
  });
  afterAll(async () => {
    await mesh.stop();
  });

  /** A program whose node file differs from its member's. */
  function withFile(as: string, change: (file: Record<string, unknown>) => object): Promise<Bus> {
    const [subnet = "", node = ""] = as.split("/");
    const own = nodeFilePath(mesh.state, nodeId({ subnet, node }));
    const config = join(dirname(own), `why-${node}.json`);
    writeFileSync(config, JSON.stringify(change(JSON.parse(readFileSync(own, "utf8")))), { mode: 0o600 });
    return mesh.connect(as, { config, waitForServer: true });
  }

  test("one event stands at each durable as its handler has it", async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const retry = PATIENT;
    const failing = (error: () => Error) => () => {
      throw error();
    };
    let cured = 0;
    const HANDLERS: readonly [durable: string, expected: string, options: object, handle: () => unknown][] = [
      ["good", "delivered", {}, () => undefined],
      [
        "cured",
        "delivered",
        { retry: { ...PATIENT, baseMs: 1 } },
        () => {
          if (++cured % 2 === 1) throw new RetryableError("not yet");
        },
      ],
      ["patient", "retrying", { retry }, failing(() => new RetryableError("busy"))],
      ["asked", "retrying", {}, failing(() => new RetryableError("later", { retryAfterMs: 60_000 }))],
      ["unknown", "retrying", { retry }, failing(() => new Error("who knows"))],
      ["broken", "dead letter", {}, failing(() => new NonRetryableError("no such screen"))],
      ["spent", "dead letter", { retry: { maxRetries: 0 } }, failing(() => new RetryableError("busy"))],
      ["faulty", "dead letter", {}, failing(() => new TypeError("x is not a function"))],
      ["slow", "lagging", {}, () => released],
    ];
    const speaker = await mesh.connect("alpha/speaker");
    const subscribing = [desk, speaker].flatMap((bus) =>
      HANDLERS.map(([durable, , options, handle]) =>
        bus.subscribe("ui.notify", { durable, ...options }, handle),
      ),
    );
    const passing = await Promise.all(["beta/desk", "alpha/speaker"].map((as) => mesh.connect(as)));
    for (const bus of passing)
      subscribing.push(bus.subscribe("ui.notify", { durable: "gone" }, () => undefined));
    await Promise.all(subscribing);
    for (const bus of passing) await bus.close();
    const id = await notify("all");
    const expected = ["alpha/speaker", "beta/desk"].flatMap((member) => [
      ...HANDLERS.map(([durable, verdict]) => `${member}/${durable}: ${verdict}`),
      `${member}/gone: node down`,
    ]);
    try {
      let told: string[] = [];
      const isRight = async (): Promise<boolean> => {
        told = (await why(id)).map((one) => `${one.to}: ${one.verdict}`);
        return expected.every((line) => told.includes(line));
      };
      await until("all verdicts are right", isRight, 30_000).catch(() => undefined);
      expect(told).toEqual(expect.arrayContaining(expected));
    } finally {
      release();
    }
  });

  test("in outbox, as long as the hub is away", async () => {
    const server = (file: Record<string, unknown>): object => ({
      ...file,
      server: { ...(file["server"] as object), url: "nats://127.0.0.1:1" },
    });
    const cutOff = await withFile("alpha/kitchen", server);
    const { eventId, stream } = await cutOff.publish("ui.notify", { text: "later" });
    expect(stream).toBe("outbox");
    const found = await verdict("in outbox", "beta/desk", eventId, "--to", "beta/desk");
    expect(found.hop).toBe("publish alpha/kitchen");
    const named = ["ui.notify", "--from", "alpha/kitchen", "--to", "beta/lamp"];
    await verdict("in outbox", "beta/lamp", ...named);
    await cutOff.close();
  });

  test("rate-limited, by what the publisher has counted", async () => {
    const limits = [{ events: "ui.", eventsPerSecond: 0.001 }];
    const speaker = await withFile("alpha/speaker", (file) => ({ ...file, limits }));
    await speaker.publish("ui.notify", { text: "the one that it may" }).catch(() => undefined);
    const since = new Date().toISOString();
    const second = speaker.publish("ui.notify", { text: "one too many" });
    await expect(second).rejects.toMatchObject({ code: "backpressure" });
    // What it has counted is stored when it ends.
    await speaker.close();
    const asked = ["ui.notify", "--from", "alpha/speaker", "--to", "beta/desk", "--since", since];
    expect(await verdict("rate-limited", "beta/desk", ...asked)).toMatchObject({ by: "backpressure" });
  });

  test("delivered; and the trace has the event that its handler published", async () => {
    const id = await notify("good");
    await verdict("delivered", "beta/desk/screen", id);
    await until("the trace has both", async () => {
      const { stdout } = await mesh.adaos(["trace", id, "--json"]);
      const { events, roots } = JSON.parse(stdout) as {
        events: number;
        roots: { hops: { of: string }[]; caused: unknown[] }[];
      };
      expect(roots[0]?.hops.map(({ of }) => of)).toEqual(["alpha", "root", "beta"]);
      return events === 2 && roots[0]?.caused.length === 1;
    });
    expect((await mesh.adaos(["trace", id])).stdout).toMatch(/beta\/desk\/screen handled/);
    const file = join(mesh.dir, "trace.json");
    expect((await mesh.adaos(["trace", id, "--otlp", file])).code).toBe(0);
    const { resourceSpans } = JSON.parse(readFileSync(file, "utf8")) as { resourceSpans: unknown[] };
    expect(resourceSpans.length).toBeGreaterThanOrEqual(3);
  });

  test("retrying, with the error and when the next attempt is due", async () => {
    const id = await notify("retry");
    const found = await verdict("retrying", "beta/desk/screen", id);
    expect(found).toMatchObject({ by: "RetryableError: screen is busy", next: `adaos events detail ${id}` });
    expect((await mesh.adaos(["trace", id])).stdout).toMatch(/screen retrying .* next at/);
  });

  test("dead letter, with the error and how to run it again", async () => {
    const id = await notify("dead");
    const found = await verdict("dead letter", "beta/desk/screen", id);
    expect(found).toMatchObject({
      by: "NonRetryableError: no such screen",
      next: `adaos events retry ${id}`,
    });
  });

  test("parked and invalid, of events that the library would not publish", async () => {
    const speaker = await mesh.connect("alpha/speaker");
    await speaker.subscribe("ui.", { durable: "ears" }, () => undefined);
    const unknown = await publishRaw("ui.unheard", { n: 1 });
    expect(await verdict("parked", "alpha/speaker/ears", unknown)).toMatchObject({ by: "unknown-event" });
    const broken = await publishRaw("ui.notify", { text: 7 });
    await verdict("invalid", "alpha/speaker/ears", broken, "--to", "alpha/speaker");
  });

  test("no durable, where it begins behind the event", async () => {
    const id = await notify("early");
    await verdict("delivered", "beta/desk/screen", id);
    await desk.subscribe("ui.notify", { durable: "late" }, () => undefined);
    const { next } = await verdict("no durable", "beta/desk/late", id);
    expect(next).toMatch(/^adaos events replay ui\.notify@1 --at beta --to desk\/late --since .* --dry-run$/);
    const { code } = await mesh.adaos(next.split(" ").slice(1));
    expect(code).toBe(0);
  });

  test("denied, by whose rule", async () => {
    const timer = ["timer.tick", "--from", "alpha/kitchen", "--to", "beta/desk"];
    const publish = await verdict("denied", "beta/desk", ...timer);
    expect(publish).toMatchObject({ hop: "publish alpha/kitchen", by: "default-deny" });
    const done = await kitchen.publish("scenario.completed", { name: "morning", status: "succeeded" });
    const imported = await verdict("denied", "beta/desk", done.eventId, "--to", "beta/desk");
    expect(imported).toMatchObject({ hop: "import beta", by: "default-deny" });
  });

  test("never published, and invalid where the registry does not know it", async () => {
    const asked = ["ui.notify", "--from", "beta/lamp", "--to", "beta/desk"];
    expect(await verdict("never published", "beta/desk", ...asked)).toMatchObject({
      hop: "publish beta/lamp",
    });
    const unheard = ["ui.unspoken", "--from", "alpha/kitchen", "--to", "beta/desk"];
    expect(await verdict("invalid", "beta/desk", ...unheard)).toMatchObject({ by: "unknown-event" });
    expect((await mesh.adaos(["why", "EVT-20260105-093000-0123456789ab"])).code).toBe(64);
  });

  test("node down, where nobody asks for the events of a durable", async () => {
    const lamp = await mesh.connect("beta/lamp");
    await lamp.subscribe("ui.notify", { durable: "bulb" }, () => undefined);
    await lamp.close();
    const id = await notify("dark");
    await verdict("node down", "beta/lamp/bulb", id, "--to", "beta/lamp");
  });

  test("not subscribed, where no durable of the member takes it", async () => {
    const unheard = await publishRaw("ui.unheard", { n: 2 });
    await verdict("parked", "alpha/speaker/ears", unheard);
    // Its daemon would make it anew.
    const go = mesh.freeze("beta/lamp");
    try {
      await mesh.asService("beta", async (nc) => {
        const { consumers } = await nc.jetstreamManager({ checkAPI: false });
        await consumers.delete("EVENTS_beta", "lamp_journal-ui");
      });
      const { reason } = await verdict("not subscribed", "beta/lamp", unheard, "--to", "beta/lamp");
      expect(reason).toMatch(/beta\/lamp\/bulb takes ui\.notify/);
    } finally {
      go();
    }
  });

  test("waiting at a link, while the root's daemon stands still", async () => {
    const go = mesh.freeze("root");
    try {
      const id = await notify("stuck");
      const found = await verdict("waiting at a link", "beta/desk", id, "--to", "beta/desk");
      expect(found).toMatchObject({ hop: "link up alpha" });
      expect((await mesh.adaos(["trace", id])).stdout).toMatch(/on its way: link up alpha/);
    } finally {
      go();
    }
  });

  test("paused, when policy no longer allows what a durable takes", async () => {
    const without = YAML.replace("lamp: { publish: [ui.], subscribe: [ui.] }", "lamp: { publish: [ui.] }");
    expect(without).not.toBe(YAML);
    mesh.configure(without);
    expect((await mesh.adaos(["policy", "apply", "--yes"])).code).toBe(0);
    const id = await notify("quiet");
    const found = await verdict("paused", "beta/lamp/bulb", id, "--to", "beta/lamp");
    expect(found.by).toBe("default-deny");
  });

  test("expired, where the stream has dropped it since", async () => {
    const id = await notify("old");
    await verdict("delivered", "beta/desk/screen", id);
    const next = await notify("new");
    await verdict("delivered", "beta/desk/screen", next);
    // Its daemon would take this for a loss, and bring back what is gone.
    const go = mesh.freeze("beta/hub");
    try {
      await mesh.asService("beta", async (nc) => {
        const { streams } = await nc.jetstreamManager({ checkAPI: false });
        const { last_seq: last } = (await streams.info("EVENTS_beta")).state;
        await streams.purge("EVENTS_beta", { seq: last });
      });
      expect(await verdict("expired", "beta/desk", id, "--to", "beta/desk")).toMatchObject({
        hop: "EVENTS_beta",
      });
    } finally {
      go();
    }
  });
});
