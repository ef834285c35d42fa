import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFilePath, nodeId, readNodeFile, readSeed } from "@adaos/config";
import { memberConsumer } from "@adaos/core/wire";
import { openConnection, PullConsumer } from "@adaos/transport-nats";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";

const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** Where others lose events, double them or hold them for ever. */
describe("pitfalls of delivery, on a real mesh", () => {
  let mesh: TestMesh;
  const workers: ChildProcess[] = [];
  beforeAll(async () => {
    mesh = await TestMesh.start();
  });
  afterEach(() => {
    for (const worker of workers.splice(0)) worker.kill("SIGKILL");
  });
  afterAll(async () => {
    await mesh.stop();
  });

  /** A consumer of alpha/speaker in a process of its own. Resolves when it is subscribed. */
  async function startWorker(durable: string): Promise<ChildProcess> {
    const args = [join(HOME, "test/kit/worker.mjs"), "alpha/speaker", mesh.state, durable, fileOf(durable)];
    const worker = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    workers.push(worker);
    let ready = false;
    worker.stdout?.once("data", () => {
      ready = true;
    });
    await until("the worker is ready", () => ready);
    return worker;
  }

  const fileOf = (durable: string): string => join(mesh.dir, `${durable}.handled`);
  const handled = (durable: string): string[] => {
    const file = fileOf(durable);
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  };
  const isGone = ({ exitCode, signalCode }: ChildProcess): boolean =>
    exitCode !== null || signalCode !== null;

  async function deadLetters(durable: string): Promise<{ event_id: string; error: { message: string } }[]> {
    const { stdout } = await mesh.adaos(["events", "dlq", "list", "--durable", durable, "--json"]);
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { event_id: string; error: { message: string } });
  }

  test("a process that is killed at an event's last attempt leaves it to its successor, not to nobody", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const first = await startWorker("killed");
    const { eventId } = await kitchen.publish("ui.notify", { text: "dies" });
    await until("it was killed", () => isGone(first));
    await startWorker("killed");
    await until("it is a dead letter", async () => (await deadLetters("killed")).length > 0);
    expect(await deadLetters("killed")).toMatchObject([{ event_id: eventId, error: { message: "not yet" } }]);
  });

  test("SIGTERM amid a backlog finishes what runs, hands back the rest at once, and repeats nothing", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const first = await startWorker("backlog");
    const sent = await Promise.all(
      Array.from({ length: 60 }, () => kitchen.publish("ui.notify", { text: "slow 100" })),
    );
    await until("it is in the middle of them", () => handled("backlog").length >= 8);
    first.kill("SIGTERM");
    await until("it has ended", () => isGone(first));
    const before = handled("backlog").length;
    expect(first.exitCode).toBe(0);
    expect(before).toBeLessThan(60);
    const startedMs = Date.now();
    await startWorker("backlog");
    await until("all are handled", () => handled("backlog").length >= 60);
    // Waiting for the ack wait of the first process would alone take 5 s.
    expect(Date.now() - startedMs).toBeLessThan(60 * 100 + 4000);
    expect(handled("backlog").toSorted()).toEqual(sent.map(({ eventId }) => eventId).toSorted());
  });

  test("a handler that hangs is released at its deadline, and its place with it", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    const seen: string[] = [];
    let aborted = 0;
    await speaker.subscribe(
      "ui.notify",
      { durable: "hangs", maxConcurrency: 1, timeoutMs: 300, retry: { baseMs: 50, maxRetries: 1 } },
      ({ data }, { signal }) => {
        seen.push(data.text);
        if (data.text !== "hang") return undefined;
        signal.addEventListener("abort", () => aborted++);
        return new Promise(() => {});
      },
    );
    for (const text of ["hang", "next", "last"]) await kitchen.publish("ui.notify", { text });
    await until("all have ended", () => speaker.stats.deadLettered === 1 && speaker.stats.handled === 2);
    expect(seen.filter((text) => text === "hang")).toHaveLength(2);
    expect(aborted).toBe(2);
    expect(await deadLetters("hangs")).toMatchObject([
      { error: { message: "handler ran longer than 300 ms" } },
    ]);
  });

  test("a slow subscription does not hold up another of the same process", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    let slow = 0;
    let quick = 0;
    await speaker.subscribe("ui.notify", { durable: "slow", maxConcurrency: 1 }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      slow++;
    });
    await speaker.subscribe("ui.notify", { durable: "quick" }, () => {
      quick++;
    });
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => kitchen.publish("ui.notify", { text: `notice ${i}` })),
    );
    await until("the quick one has them all", () => quick === 40);
    // 40 s of work: it has hardly begun.
    expect(slow).toBeLessThan(20);
  });

  test("an event that was handed back time and again is handled all the same", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    await (await speaker.subscribe("ui.notify", { durable: "unlucky" }, () => undefined)).stop();
    const { eventId } = await kitchen.publish("ui.notify", { text: "handed back again and again" });
    await handBack("unlucky", 40);
    const seen: string[] = [];
    await speaker.subscribe("ui.notify", { durable: "unlucky" }, ({ event_id }) => void seen.push(event_id));
    await until("it was handled", () => speaker.stats.handled === 1);
    expect(seen).toEqual([eventId]);
    expect(speaker.stats.deadLettered).toBe(0);
  });

  test("an event whose handler ends its process each time ends as a dead letter, though no process saw it fail", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    await (await speaker.subscribe("ui.notify", { durable: "deadly" }, () => undefined)).stop();
    const { eventId } = await kitchen.publish("ui.notify", { text: "kills" });
    // As many deliveries as go unwatched; each would take its ack wait to be noticed.
    await handBack("deadly", 6);
    for (let i = 0; i < 3; i++) {
      const worker = await startWorker("deadly");
      await until("it was killed", () => isGone(worker));
    }
    await startWorker("deadly");
    await until("it is a dead letter", async () => (await deadLetters("deadly")).length > 0);
    expect(await deadLetters("deadly")).toMatchObject([
      { event_id: eventId, error: { message: expect.stringContaining("began 3 times and never ended") } },
    ]);
  });

  test("what a durable without a handler is owed stays, and a handler under a new name can have it too", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    await (await speaker.subscribe("ui.notify", { durable: "old-name" }, () => undefined)).stop();
    const { eventId } = await kitchen.publish("ui.notify", { text: "renamed" });
    const status = await mesh.adaos(["events", "status", "--json"]);
    const { durables } = JSON.parse(status.stdout) as { durables: { durable: string; pending: number }[] };
    expect(durables.find(({ durable }) => durable === "old-name")?.pending).toBe(1);
    const seen = new Map<string, string[]>([
      ["new-name", []],
      ["old-name", []],
    ]);
    for (const [durable, ids] of seen) {
      await speaker.subscribe(
        "ui.notify",
        { durable, startAt: "all" },
        (event) => void ids.push(event.event_id),
      );
    }
    await until("both have it", () => [...seen.values()].every((ids) => ids.includes(eventId)));
    expect(seen.get("old-name")).toEqual([eventId]);
  });

  test("a publish whose answer is lost is stored once, however often it is repeated", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    const seen: string[] = [];
    // No store of what was done: it would hide a double.
    const options = { durable: "doubled", idempotency: "off" } as const;
    await speaker.subscribe("ui.notify", options, ({ event_id }) => void seen.push(event_id));
    const server = mesh.pid("nats-alpha");
    process.kill(server, "SIGSTOP");
    const publishing = Promise.all(
      Array.from({ length: 200 }, (_, i) => kitchen.publish("ui.notify", { text: `frozen ${i}` })),
    );
    // Longer than the publisher waits for an answer: it has asked again by then.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    process.kill(server, "SIGCONT");
    const sent = await publishing;
    await until("all came", () => seen.length >= 200);
    const { eventId } = await kitchen.publish("ui.notify", { text: "the last one" });
    await until("the last came", () => seen.includes(eventId));
    expect(seen).toEqual([...sent.map((published) => published.eventId), eventId]);
  });

  /** Takes what a durable of alpha/speaker is given, and hands it back at once, so often at least. */
  async function handBack(durable: string, times: number): Promise<void> {
    const { config, path } = readNodeFile(
      nodeFilePath(mesh.state, nodeId({ subnet: "alpha", node: "speaker" })),
      "member",
    );
    const connection = await openConnection({
      url: config.server.url,
      name: "test",
      user: "speaker",
      seed: readSeed(path(config.server.seedFile)),
      log: SILENT,
    });
    let deliveries = 0;
    const pull = new PullConsumer(
      connection,
      {
        stream: "EVENTS_alpha",
        consumer: memberConsumer("speaker", durable),
        ackWaitMs: 5000,
        log: SILENT,
        onMissing: silent,
      },
      ({ deliveryCount, settle }) => {
        deliveries = deliveryCount;
        settle({ kind: "nak", delayMs: 1 });
      },
    );
    await until("it was delivered often", () => deliveries >= times);
    await pull.stop(0);
    await connection.close();
  }
});
