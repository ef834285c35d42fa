import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Bus } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { HOME, leftovers, TestMesh, until } from "../kit/mesh.ts";
import { SlowPath } from "../kit/slow-path.ts";

const YAML = `
mesh: outbox
registry: ../schemas/events
subnets:
  alpha:
    export: [ui., repo.]
    import: [repo.]
    members:
      kitchen: { publish: [ui., repo.] }
      small: { publish: [ui.] }
  beta:
    import: [ui., repo.]
    export: [repo.]
    members:
      desk: { subscribe: [ui., repo.] }
`;

/** A program that publishes numbered events, a few at a time, and says which were accepted. */
const PUBLISHER = `
import { connect } from "@adaos/client";
const [state, name, first] = process.argv.slice(1);
const bus = await connect({ as: "alpha/kitchen", state, waitForServer: true });
console.log("connected");
for (let n = Number(first); ; n += 5) {
  const five = [n, n + 1, n + 2, n + 3, n + 4];
  await Promise.all(five.map(async (n) => {
    const { stream } = await bus.publish("ui.notify", { text: name + " " + n });
    console.log(stream + " " + n);
  }));
  await new Promise((resolve) => setTimeout(resolve, 2));
}
`;

class Publisher {
  readonly accepted: number[] = [];
  readonly streams = new Set<string>();
  isConnected = false;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(state: string, name: string, first: number) {
    const args = ["--input-type=module", "-e", PUBLISHER, state, name, String(first)];
    this.#child = spawn(process.execPath, args, { cwd: HOME, stdio: ["ignore", "pipe", "inherit"] });
    this.#closed = new Promise((resolve) => this.#child.once("close", resolve));
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("no output");
    createInterface({ input: stdout }).on("line", (line) => {
      if (line === "connected") this.isConnected = true;
      const [, stream = "", n] = /^(\S+) (\d+)$/.exec(line) ?? [];
      if (n === undefined) return;
      this.streams.add(stream);
      this.accepted.push(Number(n));
    });
  }

  /** Ends it at once, and resolves when all that it said is heard. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }
}

describe("the outbox of a member whose hub is away", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
  });
  afterAll(async () => {
    await mesh.stop();
  });

  const isReady = (): Promise<boolean> => mesh.isReady();

  /** Kills a hub's server at once and keeps it down while `during` runs, then waits until all is ready again. */
  async function outage(during: () => Promise<void>): Promise<void> {
    // A supervisor that is stopped starts nothing.
    const supervisor = mesh.pid("supervisor");
    const server = mesh.pid("nats-alpha");
    process.kill(supervisor, "SIGSTOP");
    try {
      process.kill(server, "SIGKILL");
      await until("the server has ended", async () => (await leftovers([server], [])).length === 0);
      await during();
    } finally {
      process.kill(supervisor, "SIGCONT");
    }
    await until("all is ready again", isReady, 60_000);
  }

  /** Texts of the notifications that arrive in beta, in order. */
  async function arrivalsAt(durable: string, prefix: string): Promise<{ texts: string[]; bus: Bus }> {
    const desk = await mesh.connect("beta/desk");
    const texts: string[] = [];
    await desk.subscribe("ui.notify", { durable, maxConcurrency: 1, idempotency: "off" }, ({ data }) => {
      if (data.text.startsWith(prefix)) texts.push(data.text);
    });
    return { texts, bus: desk };
  }

  const outboxDir = (node: string): string => join(mesh.state, "outbox", `alpha_${node}`);
  const outboxesOf = (node: string): string[] =>
    existsSync(outboxDir(node))
      ? readdirSync(outboxDir(node)).filter((name) => name.endsWith(".outbox"))
      : [];

  test("every publish is accepted, and all arrive once and in order when it is back", async () => {
    const { texts } = await arrivalsAt("through", "through ");
    const kitchen = await mesh.connect("alpha/kitchen");
    const streams: string[] = [];
    const published: Promise<unknown>[] = [];
    let publishing = true;
    let slowestMs = 0;
    const publish = async (): Promise<void> => {
      const startedMs = Date.now();
      const { stream } = await kitchen.publish("ui.notify", { text: `through ${published.length}` });
      slowestMs = Math.max(slowestMs, Date.now() - startedMs);
      streams.push(stream);
    };
    const publishAll = (async () => {
      while (publishing) {
        for (let i = 0; i < 20; i++) published.push(publish());
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    onTestFinished(() => {
      publishing = false;
    });
    await until("some are stored", () => streams.length > 200);
    await outage(async () => {
      const before = streams.length;
      await until("more are accepted", () => streams.length > before + 2000);
      expect(kitchen.outbox?.waiting).toBeGreaterThan(1000);
      const startedMs = Date.now();
      const asked = kitchen.request("repo.skill.install", { skill: "weather" });
      await expect(asked).rejects.toMatchObject({ code: "unavailable" });
      // At once, and not when a request would time out after 5 s.
      expect(Date.now() - startedMs).toBeLessThan(2500);
    });
    await until("the outbox is empty", () => kitchen.outbox?.waiting === 0);
    const before = streams.length;
    await until("some are stored again", () => streams.length > before + 200);
    publishing = false;
    await publishAll;
    await Promise.all(published);
    await until("all have arrived", () => texts.length >= published.length, 60_000);
    expect(texts).toEqual(Array.from({ length: published.length }, (_, n) => `through ${n}`));
    expect(new Set(streams)).toEqual(new Set(["EVENTS_alpha", "outbox"]));
    expect(streams.at(-1)).toBe("EVENTS_alpha");
    expect(kitchen.stats.queued).toBeGreaterThan(2000);
    console.log(
      `${published.length} published, ${kitchen.stats.queued} of them to the outbox; slowest ${slowestMs} ms`,
    );
    await kitchen.close();
    expect(outboxesOf("kitchen")).toEqual([]);
  });

  test("what a process had accepted that was killed goes out with its successor, and before the successor's", async () => {
    const { texts } = await arrivalsAt("killed", "killed ");
    const first = new Publisher(mesh.state, "killed", 0);
    await until("it publishes", () => first.accepted.length > 100);
    let second: Publisher | undefined;
    try {
      await outage(async () => {
        await until("it publishes to its outbox", () => first.streams.has("outbox"));
        const before = first.accepted.length;
        await until("it has more", () => first.accepted.length > before + 500);
        await first.kill();
        second = new Publisher(mesh.state, "killed", 1_000_000);
        await until("its successor publishes", () => (second?.accepted.length ?? 0) > 100);
        expect(second.isConnected).toBe(true);
        expect([...second.streams]).toEqual(["outbox"]);
      });
      await until("the successor reaches the hub", () => second?.streams.has("EVENTS_alpha") === true);
    } finally {
      await first.kill();
      await second?.kill();
    }
    const accepted = [...first.accepted, ...(second?.accepted ?? [])];
    const arrived = (): Set<number> => new Set(texts.map((text) => Number(text.split(" ")[1])));
    await until("all have arrived", () => {
      const there = arrived();
      return accepted.every((n) => there.has(n));
    });
    expect(arrived().size).toBe(texts.length);
    const numbers = texts.map((text) => Number(text.split(" ")[1]));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    await until("nothing is left behind", () => outboxesOf("kitchen").length === 0, 60_000);
  });

  test("a full outbox refuses, and what it accepted arrives", async () => {
    const { texts } = await arrivalsAt("full", "full ");
    const kitchen = await mesh.connect("alpha/kitchen", {
      config: nodeFileWith("kitchen", (file) => ({ ...file, outbox: { ...file.outbox, maxEvents: 100 } })),
    });
    const accepted: string[] = [];
    await outage(async () => {
      await until("it waits", async () => {
        const { stream } = await kitchen.publish("ui.notify", { text: "before" });
        return stream === "outbox";
      });
      const attempts = Array.from({ length: 200 }, async (_, n) => {
        await kitchen.publish("ui.notify", { text: `full ${n}` });
        accepted.push(`full ${n}`);
      });
      const outcomes = await Promise.allSettled(attempts);
      const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
      expect(refused.length).toBeGreaterThanOrEqual(100);
      expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["backpressure"]));
    });
    await until("all have arrived", () => texts.length >= accepted.length);
    expect(texts).toEqual(accepted);
    expect((await kitchen.publish("ui.notify", { text: "after" })).stream).toBe("EVENTS_alpha");
    await kitchen.close();
  });

  test("what the server refuses of it is set aside, and the rest arrives", async () => {
    const { texts } = await arrivalsAt("refused", "refused ");
    // As it would be with rules that were tightened during the outage: the server's are others than the member's.
    const config = nodeFileWith("small", (file) => ({
      ...file,
      policy: [{ verb: "publish", subnet: "alpha", node: "small", rules: [["allow", "*", "wider"]] }],
    }));
    const small = await mesh.connect("alpha/small", { config });
    let forbidden = "";
    await outage(async () => {
      await until("it waits", async () => {
        const { stream } = await small.publish("ui.notify", { text: "before" });
        return stream === "outbox";
      });
      await small.publish("ui.notify", { text: "refused 1" });
      ({ eventId: forbidden } = await small.publish("nlp.intent.detected", {
        intent: "greet",
        slots: {},
        locale: "en-GB",
      }));
      await small.publish("ui.notify", { text: "refused 2" });
    });
    await until("the rest has arrived", () => texts.length === 2);
    expect(texts).toEqual(["refused 1", "refused 2"]);
    await until("it is set aside", () => small.outbox?.refused === 1);
    // It is counted before its line is written.
    const setAside = (): string => readFileSync(join(outboxDir("small"), "refused.ndjson"), "utf8");
    await until("its line is there", () => setAside().endsWith("\n"));
    expect(
      setAside()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ id: forbidden, error: { code: "denied" } }]);
    await small.close();
  });

  test("over a line of 30 kB/s after a cut it goes out steadily, once and in order", async () => {
    const { texts } = await arrivalsAt("slow", "slow ");
    const path = await SlowPath.start(Number(new URL(mesh.server("alpha").url).port));
    onTestFinished(() => path.stop());
    const url = `nats://127.0.0.1:${path.port}`;
    const kitchen = await mesh.connect("alpha/kitchen", {
      config: nodeFileWith("kitchen", (file) => ({ ...file, server: { ...file.server, url } })),
    });
    path.cut();
    await until(
      "it waits",
      async () => (await kitchen.publish("ui.notify", { text: "-" })).stream === "outbox",
    );
    const published = Array.from({ length: 3000 }, (_, n) => `slow ${n} ${"x".repeat(300)}`);
    await Promise.all(published.map((text) => kitchen.publish("ui.notify", { text })));
    const bytesOfOne = (kitchen.outbox?.bytes ?? 0) / (kitchen.outbox?.waiting ?? 1);
    path.mend(30_000);
    const mendedMs = performance.now();
    let [waiting, movedMs, longestMs] = [Number.POSITIVE_INFINITY, mendedMs, 0];
    await until("it has gone on for 15 s", () => {
      const [now, nowMs] = [kitchen.outbox?.waiting ?? 0, performance.now()];
      if (now < waiting) [waiting, movedMs] = [now, nowMs];
      longestMs = Math.max(longestMs, nowMs - movedMs);
      return nowMs - mendedMs > 15_000;
    });
    const bytesPerSecond = Math.round(((published.length - waiting) * bytesOfOne) / 15);
    console.log(
      `over 30 kB/s: ${bytesPerSecond} bytes/s of the outbox, nothing for ${Math.round(longestMs)} ms`,
    );
    // Of an event its record; what goes with it over the line is not counted, nor until it was connected again.
    expect(bytesPerSecond).toBeGreaterThan(12_000);
    expect(longestMs).toBeLessThan(7000);
    path.mend(Number.POSITIVE_INFINITY);
    await until("all have arrived", () => texts.length >= published.length, 30_000);
    expect(texts).toEqual(published);
    await kitchen.close();
  });

  test("without it a publish is rejected", async () => {
    const kitchen = await mesh.connect("alpha/kitchen", { outbox: false });
    expect(kitchen.outbox).toBeUndefined();
    await outage(async () => {
      await expect(kitchen.publish("ui.notify", { text: "not kept" })).rejects.toMatchObject({
        code: expect.stringMatching(/^(timeout|unavailable)$/),
      });
    });
    await kitchen.close();
  });

  test("a member's daemon shows what waits", async () => {
    const run = readFileSync(join(mesh.state, "run/alpha_kitchen.json"), "utf8");
    const { statusUrl } = JSON.parse(run) as { statusUrl: string };
    const status = await (await fetch(`${statusUrl}/status`)).json();
    expect(status).toMatchObject({
      parts: { outbox: { ready: true, details: { waiting: 0, bytes: 0, refused: 0 } } },
    });
  });

  interface NodeFile {
    readonly outbox: { readonly dir: string; readonly maxEvents: number };
    readonly server: { readonly url: string };
  }

  /** A copy of a member's file, changed. */
  function nodeFileWith(node: string, change: (file: NodeFile) => NodeFile): string {
    const { nodeFile } = mesh.layout().nodes.find(({ id }) => id === `alpha/${node}`) ?? { nodeFile: "" };
    const file = join(mesh.dir, `${node}-changed.json`);
    writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(nodeFile, "utf8")))));
    return file;
  }
});
