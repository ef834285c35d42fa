import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Bus, MeshError, newEventId } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";
import { randomFrom } from "../kit/random.ts";

/** Where an effect is marked: the durables of the consumer. */
const PLACES = ["member", "hub"] as const;
type Place = (typeof PLACES)[number];

/** Give it to a run to repeat what an earlier one did; the moments at which it happens are never quite the same. */
const SEED = Number(process.env["ADAOS_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
/** Of this many processes, one after the other. */
const KILLS = Number(process.env["ADAOS_TEST_KILLS"] ?? 20);
const WINDOW_MS = 1000;
/** Publishes at a time, and the rest after each: a load that two busy cores carry. */
const TURNS = 8;
const REST_MS = 20;
/** Events that may wait to be handled while more are published, and the bytes of an effect's line. */
const MAX_BEHIND = 400;
const LINE_BYTES = 58;
/** Share of publishes that repeat an event of which the servers have forgotten the id. */
const REPEATED = 0.05;
/** At a killed process: handlers that were running, and those that ended in the same turn of its event loop. */
const MAX_AT_ONCE = 2 * 16;
const MAX_ACK_PENDING = 256;
/**
 * A killed server delivers what one process has in hand to the other, which cannot know of an effect before it is
 * marked: at the hub, which is just coming back, that may take as long as an answer may.
 */
const SAME_MOMENT_MS: Readonly<Record<Place, number>> = { member: 250, hub: 3000 };
/**
 * An effect that a kill repeats has happened no longer before it. A sync takes its time on a busy machine; a mark is on
 * its way to the hub for as long as that is away.
 */
const BEFORE_KILL_MS: Readonly<Record<Place, number>> = { member: 3000, hub: 60_000 };

const YAML = `
mesh: marks
registry: ../schemas/events
streams: { duplicateWindowMs: ${WINDOW_MS} }
subnets:
  alpha:
    members:
      kitchen: { publish: [ui.] }
      desk: { subscribe: [ui.] }
`;

interface Kill {
  readonly atMs: number;
  readonly pid: number;
  readonly what: string;
}

interface EffectLine {
  readonly atMs: number;
  readonly pid: number;
  readonly place: Place;
  readonly eventId: string;
}

/** One of the two consumers, a process that is started again whenever it ends. */
class Consumer {
  readonly what: "process" | "power cut";
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #stopping = false;
  isReady = false;

  constructor(what: "process" | "power cut", mesh: TestMesh, file: string) {
    this.what = what;
    const worker = join(HOME, "test/kit/marks-consumer.mjs");
    this.#args = [worker, "alpha/desk", mesh.state, file, what === "power cut" ? "power" : "kill"];
    this.#start();
  }

  kill(): number | undefined {
    const pid = this.#child?.pid;
    if (!this.isReady || pid === undefined) return undefined;
    this.isReady = false;
    this.#child?.kill("SIGKILL");
    return pid;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child?.kill("SIGKILL");
    await until("the consumer has ended", () => this.#child === undefined);
  }

  #start(): void {
    const child = spawn(process.execPath, this.#args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    child.stdout?.once("data", () => {
      this.isReady = this.#child === child;
    });
    child.once("exit", () => {
      this.isReady = false;
      this.#child = undefined;
      if (!this.#stopping) this.#start();
    });
  }
}

describe("marks", () => {
  let mesh: TestMesh;
  const consumers: Consumer[] = [];
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
  });
  afterAll(async () => {
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    await mesh.stop();
  });

  test(
    `let ${KILLS} kills under load lose no effect and repeat none but those of that moment`,
    async () => {
      console.log(`ADAOS_TEST_SEED=${SEED}`);
      const random = randomFrom(SEED);
      const file = join(mesh.dir, "effects");
      for (const what of ["process", "power cut"] as const) consumers.push(new Consumer(what, mesh, file));
      const kitchen = await mesh.connect("alpha/kitchen", { outbox: false });
      await until("both consumers are ready", () => consumers.every(({ isReady }) => isReady), 90_000);

      const startedMs = Date.now();
      const load = new Load(kitchen, file, randomFrom(SEED + 1));
      const publishing = load.run();
      const kills: Kill[] = [];
      const deadlineMs = Date.now() + 10_000 + KILLS * 6000;
      while (kills.length < KILLS && Date.now() < deadlineMs) {
        await new Promise((resolve) => setTimeout(resolve, 150 + random() * 700));
        const victim = random();
        const killed =
          victim < 0.75 ? killConsumer(random()) : killOf(victim < 0.88 ? "nats-alpha" : "alpha/hub");
        if (killed === undefined) continue;
        kills.push(killed);
        // What was killed before anything has happened again would tell nothing.
        const { size } = statSync(file);
        await until("something is handled", () => statSync(file).size > size + 50 * LINE_BYTES, 60_000);
      }
      load.isOver = true;
      await publishing;
      const killedMs = Date.now();
      await until("nothing is pending or unsettled", isDrained, 90_000 + KILLS * 1000);
      console.log(
        `${kills.length} kills in ${killedMs - startedMs} ms, drained ${Date.now() - killedMs} ms later`,
      );

      const told = `seed ${SEED}, killed: ${kills.map(({ what }) => what).join(", ")}`;
      const effects = effectsIn(file);
      for (const place of PLACES) {
        const here = effects.filter((effect) => effect.place === place);
        const { lost, beyond, repeated } = judge(load.acked, here, kills);
        const counts = Object.entries(repeated).map(([what, count]) => `${what} ${count}`);
        console.log(
          `${place}: ${load.acked.size} events, ${here.length} effects, ${load.repeats} published again, ` +
            `repeated by ${counts.join(", ")}`,
        );
        expect([lost, beyond], `${place}, ${told}`).toEqual([[], []]);
      }
    },
    120_000 + KILLS * 12_000,
  );

  function killConsumer(random: number): Kill | undefined {
    const victim = consumers[random < 0.5 ? 0 : 1];
    const atMs = Date.now();
    const pid = victim?.kill();
    return victim === undefined || pid === undefined ? undefined : { atMs, pid, what: victim.what };
  }

  function killOf(what: string): Kill | undefined {
    const pid = mesh.pids().get(what);
    try {
      if (pid === undefined || !process.kill(pid, "SIGKILL")) return undefined;
      return { atMs: Date.now(), pid, what };
    } catch {
      // Killed by the last strike, and not back yet.
      return undefined;
    }
  }

  async function isDrained(): Promise<boolean> {
    try {
      return await mesh.asService("alpha", async (nc) => {
        const jsm = await nc.jetstreamManager();
        const infos = await Promise.all(
          PLACES.map((place) => jsm.consumers.info("EVENTS_alpha", `desk_${place}`)),
        );
        return infos.every(({ num_pending, num_ack_pending }) => num_pending + num_ack_pending === 0);
      });
    } catch {
      // Killed by the last strike, and not back yet.
      return false;
    }
  }
});

/** Publishes until it is over, each event until it is stored, and some of them again when their id is forgotten. */
class Load {
  readonly acked = new Map<string, number>();
  isOver = false;
  repeats = 0;
  readonly #bus: Bus;
  readonly #effects: string;
  readonly #random: () => number;

  constructor(bus: Bus, effects: string, random: () => number) {
    this.#bus = bus;
    this.#effects = effects;
    this.#random = random;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: TURNS }, () => this.#publishInTurn()));
  }

  async #publishInTurn(): Promise<void> {
    while (!this.isOver) {
      const old = this.#random() < REPEATED ? this.#forgotten() : undefined;
      const eventId = old ?? newEventId(Date.now());
      await publishUntilAcked(this.#bus, eventId);
      if (old === undefined) this.acked.set(eventId, Date.now());
      else this.repeats++;
      do await new Promise((resolve) => setTimeout(resolve, REST_MS));
      while (!this.isOver && this.#isBehind());
    }
  }

  /** A backlog would only make the end take longer. */
  #isBehind(): boolean {
    const size = statSync(this.#effects, { throwIfNoEntry: false })?.size ?? 0;
    return this.acked.size - size / LINE_BYTES / PLACES.length > MAX_BEHIND;
  }

  /** An event that was stored so long ago that its id is stored once more. */
  #forgotten(): string | undefined {
    const all = [...this.acked];
    const [eventId, atMs] = all[Math.floor(this.#random() * all.length)] ?? [];
    return atMs === undefined || Date.now() - atMs < 2 * WINDOW_MS ? undefined : eventId;
  }
}

async function publishUntilAcked(bus: Bus, eventId: string): Promise<void> {
  for (;;) {
    try {
      await bus.publish("ui.notify", { text: "marked" }, { eventId });
      return;
    } catch (thrown) {
      if (!(thrown instanceof MeshError) || !["timeout", "unavailable"].includes(thrown.code)) throw thrown;
    }
  }
}

function effectsIn(file: string): EffectLine[] {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [atMs, pid, place, eventId = ""] = line.split(" ");
      return { atMs: Number(atMs), pid: Number(pid), place: place as Place, eventId };
    });
}

/** Which events have no effect, and which have one that no kill of the process that made the one before explains. */
function judge(
  acked: ReadonlyMap<string, number>,
  effects: readonly EffectLine[],
  kills: readonly Kill[],
): { lost: string[]; beyond: string[]; repeated: Record<string, number> } {
  const byEvent = new Map<string, EffectLine[]>();
  for (const effect of effects) byEvent.set(effect.eventId, [...(byEvent.get(effect.eventId) ?? []), effect]);
  const lost = [...acked.keys()].filter((eventId) => !byEvent.has(eventId));
  const beyond: string[] = [];
  const byKill = new Map<Kill, number>();
  let atOnce = 0;
  for (const [eventId, all] of byEvent) {
    const inOrder = all.toSorted((a, b) => a.atMs - b.atMs);
    for (const [i, { atMs, pid }] of inOrder.slice(0, -1).entries()) {
      const next = inOrder[i + 1] ?? { atMs: 0, pid: 0, place: "member" };
      const kill = kills.find((one) => one.pid === pid);
      const isExplained =
        kill !== undefined && kill.atMs - atMs <= BEFORE_KILL_MS[next.place] && next.atMs >= kill.atMs;
      if (isExplained) byKill.set(kill, (byKill.get(kill) ?? 0) + 1);
      else if (next.pid !== pid && next.atMs - atMs <= SAME_MOMENT_MS[next.place]) atOnce++;
      else beyond.push(`${eventId} at ${atMs} by ${pid} and at ${next.atMs} by ${next.pid}`);
    }
  }
  const repeated: Record<string, number> = { "at once": atOnce };
  for (const [{ what }, count] of byKill) {
    const most = effects[0]?.place === "member" && what === "process" ? MAX_AT_ONCE : MAX_ACK_PENDING;
    if (count > most) beyond.push(`${count} effects by one ${what}`);
    repeated[what] = (repeated[what] ?? 0) + count;
  }
  return { lost, beyond, repeated };
}
