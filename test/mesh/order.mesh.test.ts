import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Bus, newEventId, type Published } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";

const COUNT = 1500;
/** Each waits for its mark on disk: a busy machine handles 50 of them a second. */
const ARRIVE_MS = 100_000;
const CHUNK = 250;
/** Each takes 6 s: what a killed process held comes again after 5 s. */
const KILLS = Number(process.env["ADAOS_TEST_KILLS"] ?? 3);
/** Effects between two kills: none is killed three times. */
const MIN_EFFECTS = 10;

/** Publishes numbered notifications in order, a chunk at a time on its way; calls `atHalf` amid them. */
async function publishInOrder(bus: Bus, atHalf: () => void = () => undefined): Promise<Published[]> {
  const published: Published[] = [];
  for (let first = 0; first < COUNT; first += CHUNK) {
    const chunk = Array.from({ length: CHUNK }, (_, i) =>
      bus.publish("ui.notify", { text: `no. ${first + i}` }),
    );
    if (first === COUNT / 2) atHalf();
    published.push(...(await Promise.all(chunk)));
  }
  return published;
}

describe("order of events", () => {
  let mesh: TestMesh;
  let kitchen: Bus;
  beforeAll(async () => {
    mesh = await TestMesh.start();
    kitchen = await mesh.connect("alpha/kitchen");
  });
  afterAll(async () => {
    await mesh.stop();
  });

  test.each([
    ["the same subnet", "alpha/speaker"],
    ["another subnet", "beta/desk"],
  ])("1,500 events arrive at a member of %s as they were published, none missing", async (_where, member) => {
    const arrived: string[] = [];
    const receiver = await mesh.connect(member);
    const subscription = await receiver.subscribe(
      "ui.notify",
      { durable: "order", maxConcurrency: 1 },
      (event) => {
        arrived.push(event.event_id);
      },
    );
    const published = await publishInOrder(kitchen);
    await until("all have arrived", () => arrived.length >= COUNT, ARRIVE_MS);
    await subscription.stop();
    expect(arrived).toEqual(published.map(({ eventId }) => eventId));
  });

  test("an event id that is known is stored and handled once, whatever is published beside it", async () => {
    const arrived: string[] = [];
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("ui.notify", { durable: "known", maxConcurrency: 1 }, (event) => {
      arrived.push(event.event_id);
    });
    const eventId = newEventId(Date.now());
    const known = { text: "known" };
    const first = await kitchen.publish("ui.notify", known, { eventId });
    const again = await kitchen.publish("ui.notify", known, { eventId });
    expect(first.duplicate).toBe(false);
    expect(again).toEqual({ ...first, duplicate: true });

    // These three travel as one write, of which the known one may not stop the others.
    const [before, amid, after] = await Promise.all([
      kitchen.publish("ui.notify", { text: "before" }),
      kitchen.publish("ui.notify", known, { eventId }),
      kitchen.publish("ui.notify", { text: "after" }),
    ]);
    expect(amid).toEqual(again);
    expect([before.duplicate, after.duplicate]).toEqual([false, false]);
    expect([before.seq, after.seq]).toEqual([first.seq + 1, first.seq + 2]);

    await until("the last has arrived", () => arrived.includes(after.eventId));
    expect(arrived).toEqual([eventId, before.eventId, after.eventId]);
  });

  test("an event id used twice at once is stored once", async () => {
    const eventId = newEventId(Date.now());
    const twins = await Promise.all([
      kitchen.publish("ui.notify", { text: "twin" }, { eventId }),
      kitchen.publish("ui.notify", { text: "twin" }, { eventId }),
    ]);
    expect(twins.map(({ duplicate }) => duplicate)).toEqual([false, true]);
    expect(twins[0].seq).toBe(twins[1].seq);
  });

  test("1,500 events are stored as they were published though the server is killed amid them", async () => {
    const bare = await mesh.connect("alpha/kitchen", { outbox: false });
    const published = await publishInOrder(bare, () => process.kill(mesh.pid("nats-alpha"), "SIGKILL"));
    const seqs = published.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect(new Set(seqs).size).toBe(COUNT);
    await until("all is ready again", () => mesh.isReady());
  });

  test("and arrive so, when some of them had to wait in the outbox", async () => {
    const speaker = await mesh.connect("alpha/speaker");
    const arrived: string[] = [];
    const options = { durable: "outbox-order", maxConcurrency: 1 } as const;
    await speaker.subscribe("ui.notify", options, ({ event_id }) => void arrived.push(event_id));
    const published = await publishInOrder(kitchen, () => process.kill(mesh.pid("nats-alpha"), "SIGKILL"));
    await until("all have arrived", () => arrived.length >= COUNT, ARRIVE_MS);
    expect(arrived).toEqual(published.map(({ eventId }) => eventId));
    expect(published.some(({ stream }) => stream === "outbox")).toBe(true);
    await until("all is ready again", () => mesh.isReady());
  });

  /** A strict handler of alpha/speaker in a process of its own. */
  function startWorker(file: string): ChildProcess {
    const args = [join(HOME, "test/kit/worker.mjs"), "alpha/speaker", mesh.state, "kills", file, "1"];
    return spawn(process.execPath, args, { stdio: ["pipe", "ignore", "inherit"] });
  }

  test(
    `events take effect in order over ${KILLS} kills of the one process that handles them`,
    async () => {
      const file = join(mesh.dir, "kills.handled");
      const published: string[] = [];
      const effects = (): string[] =>
        existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
      // From here on: thousands of events of earlier tests would take minutes on a busy disk.
      const speaker = await mesh.connect("alpha/speaker");
      await speaker.subscribe("ui.notify", { durable: "kills", maxConcurrency: 1 }, () => undefined);
      await speaker.close();
      let isOver = false;
      let worker = startWorker(file);
      const publishing = (async () => {
        while (!isOver) {
          published.push((await kitchen.publish("ui.notify", { text: "slow 3" })).eventId);
          await delay(20);
        }
      })();
      try {
        for (let kills = 0; kills < KILLS; kills++) {
          const before = effects().length;
          await until(
            `effects after ${kills} kills`,
            () => effects().length >= before + MIN_EFFECTS,
            ARRIVE_MS,
          );
          worker.kill("SIGKILL");
          worker = startWorker(file);
        }
        isOver = true;
        await publishing;
        await until("all have taken effect", () => new Set(effects()).size >= published.length, 120_000);
      } finally {
        isOver = true;
        worker.kill("SIGKILL");
      }
      // The last effect before a kill may be repeated, right after it.
      const taken = effects().filter((id, i, all) => id !== all[i - 1]);
      expect(taken).toEqual(published);
    },
    120_000 + KILLS * 30_000,
  );
});
