import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bus, MeshError, newEventId } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";
import { randomFrom } from "../kit/random.ts";

/** Give it to a run to repeat what an earlier one did; the moments at which it happens are never quite the same. */
const SEED = Number(process.env["ADAOS_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const ROUNDS = 20;
const EVENTS_PER_ROUND = 300;
/** Publishes on their way at a time. */
const TURNS = 16;
/** How long an event may take until it is known to be stored, with every outage on its way. */
const PUBLISH_LIMIT_MS = 60_000;

const YAML = `
mesh: ledger
registry: ../schemas/events
subnets:
  alpha:
    import: [ui.]
    members:
      kitchen: { publish: [ui.] }
      speaker: { subscribe: [ui.] }
  beta:
    export: [ui.]
    members:
      desk: { publish: [ui.] }
`;

const VICTIMS = ["consumer", "nats-alpha", "alpha/hub", "alpha/speaker"] as const;
type Victim = (typeof VICTIMS)[number];

/** How the handling of an event goes; see the consumer. */
type Kind = "good" | "flaky" | "permanent" | "late";
/**
 * What may become of each kind. A killed server forgets how often it delivered in its last moments, so that an event
 * that is flaky by the count may fail once more than it should, and have its retries spent.
 */
const ENDS: Readonly<Record<Kind, readonly ("effect" | "dead letter")[]>> = {
  good: ["effect"],
  flaky: ["effect", "dead letter"],
  permanent: ["dead letter"],
  late: ["effect", "dead letter"],
};

interface PublishedEvent {
  /** Which publisher's. */
  readonly from: number;
  readonly kind: Kind;
  acked: boolean;
}

/** A row of `adaos ledger --json`. */
interface LedgerRow {
  readonly durable: string;
  readonly missing: number;
}

interface Round {
  readonly round: number;
  readonly random: () => number;
  readonly strikeAt: number;
  strike(): void;
}

function shuffled<T>(all: readonly T[], random: () => number): T[] {
  return all
    .map((one) => ({ one, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}

/** The consumer, a process that is started again whenever it ends. */
class ConsumerProcess {
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #stopping = false;
  isReady = false;

  constructor(...args: readonly string[]) {
    this.#args = [join(HOME, "test/kit/ledger-consumer.mjs"), ...args];
    this.#start();
  }

  /** Whether there was one to kill. */
  kill(): boolean {
    this.isReady = false;
    return this.#child?.kill("SIGKILL") === true;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.kill();
    await until("the consumer has ended", () => this.#child === undefined);
  }

  #start(): void {
    const child = spawn(process.execPath, this.#args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    child.stdout?.once("data", () => {
      this.isReady = this.#child === child;
    });
    // Never two at a time: each reads the file only once.
    child.once("exit", () => {
      this.isReady = false;
      this.#child = undefined;
      if (!this.#stopping) this.#start();
    });
  }
}

describe("the ledger", () => {
  let mesh: TestMesh;
  let consumer: ConsumerProcess | undefined;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
  });
  afterAll(async () => {
    await consumer?.stop();
    await mesh.stop();
  });

  test("every acked publish has exactly one effect or one dead letter, whoever is killed", async () => {
    console.log(`ADAOS_TEST_SEED=${SEED}`);
    const startedMs = Date.now();
    const random = randomFrom(SEED);
    const file = join(mesh.dir, "ledger.jsonl");
    const child = new ConsumerProcess("alpha/speaker", mesh.state, file);
    consumer = child;
    const publishers = [await mesh.connect("alpha/kitchen"), await mesh.connect("beta/desk")];
    await until("the consumer is ready", () => child.isReady);
    const marked = await mesh.connect("alpha/speaker");
    await marked.subscribe("ui.notify", { durable: "marked" }, () => undefined);

    const events = new Map<string, PublishedEvent>();
    const kills: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const order = shuffled(VICTIMS, random);
      const count = random() < 0.4 ? 2 : 1;
      const strike = (): void => {
        const killed: Victim[] = [];
        for (const victim of order) if (killed.length < count && kill(victim)) killed.push(victim);
        kills.push(killed.join(" + "));
      };
      const strikeAt = Math.floor(random() * EVENTS_PER_ROUND);
      await publishRound(publishers, events, { round, random, strikeAt, strike });
      await until("the consumer is ready again", () => child.isReady, 60_000);
    }
    const publishedMs = Date.now();
    await until("nothing waits, is pending or unsettled", () => isDrained(publishers), 60_000);
    const drainedMs = Date.now();
    await child.stop();

    const problems = imbalances(events, effectsIn(file), await deadLetters());
    console.log(
      `${events.size} events, ${ROUNDS} rounds in ${publishedMs - startedMs} ms, drained ${drainedMs - publishedMs} ms later`,
    );
    // Which hop has it, before the mesh is gone.
    for (const problem of problems.slice(0, 2)) {
      const { stdout, stderr } = await mesh.ask(["events", "detail", problem.slice(0, problem.indexOf(" "))]);
      console.log(problem, stdout, stderr);
    }
    const { code, rows } = await ownLedger();
    expect([code, rows.map(({ missing }) => missing)]).toEqual([0, rows.map(() => 0)]);
    const dead = (await deadLetters()).length;
    const published = ROUNDS * EVENTS_PER_ROUND;
    const settled = { published, pending: 0, parked: 0, denied: 0, expired: 0 };
    const rowOf = (of: string) => rows.find(({ durable }) => durable === of);
    // The consumer keeps its effects itself, without marks.
    expect(rowOf("alpha/speaker/ledger")).toMatchObject({ ...settled, dead, unmarked: published - dead });
    expect(rowOf("alpha/speaker/marked")).toMatchObject({ ...settled, dead: 0, handled: published });
    const told = `seed ${SEED}, killed: ${kills.join(", ")}`;
    expect(problems, told).toEqual([]);
    expect([...events.values()].filter(({ acked }) => acked)).toHaveLength(ROUNDS * EVENTS_PER_ROUND);
  }, 240_000);

  /** What the mesh itself says became of them, once it has nothing to wait for. */
  async function ownLedger(): Promise<{ readonly code: number; readonly rows: readonly LedgerRow[] }> {
    const { code, stdout } = await mesh.ask(["ledger", "--since", "1h", "--json"]);
    return { code, rows: linesOf(stdout).map((row) => JSON.parse(row) as LedgerRow) };
  }

  /** Kills at once, and tells whether there was something to kill: what was killed before may not run again yet. */
  function kill(victim: Victim): boolean {
    if (victim === "consumer") return consumer?.kill() === true;
    const pid = mesh.pids().get(victim);
    try {
      return pid !== undefined && process.kill(pid, "SIGKILL");
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
      return false;
    }
  }

  async function isDrained(publishers: readonly Bus[]): Promise<boolean> {
    // From source to sink: what is no longer at one is at the next. An outbox acknowledges too.
    return (
      publishers.every(({ outbox }) => outbox?.waiting === 0) &&
      (await isIdle("beta", "EVENTS_beta", "root")) &&
      (await isIdle("root", "MESH", "to-alpha")) &&
      (await isIdle("alpha", "EVENTS_alpha", "speaker_ledger")) &&
      (await isIdle("alpha", "EVENTS_alpha", "speaker_marked"))
    );
  }

  async function isIdle(server: string, stream: string, durable: string): Promise<boolean> {
    try {
      return await mesh.asService(server, async (nc) => {
        const jsm = await nc.jetstreamManager({ checkAPI: false });
        const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, durable);
        return num_pending === 0 && num_ack_pending === 0;
      });
    } catch {
      // Killed by the last strike, and not back yet.
      return false;
    }
  }

  /** Event ids of the dead letters, one for each. */
  async function deadLetters(): Promise<string[]> {
    const { stdout, stderr, code } = await mesh.ask(["events", "dlq", "list", "--at", "alpha", "--json"]);
    expect(code, stderr).toBe(0);
    return linesOf(stdout).map((line) => (JSON.parse(line) as { event_id: string }).event_id);
  }
});

/** Publishes a round's events, strikes when so many of them are acked, and ends when all are. */
async function publishRound(
  publishers: readonly Bus[],
  events: Map<string, PublishedEvent>,
  { round, random, strikeAt, strike }: Round,
): Promise<void> {
  const kinds = Array.from({ length: EVENTS_PER_ROUND }, () => kindOf(random()));
  let next = 0;
  let acked = 0;
  const publishInTurn = async (): Promise<void> => {
    while (next < EVENTS_PER_ROUND) {
      const i = next++;
      const kind = kinds[i] ?? "good";
      const bus = publishers[i % publishers.length] as Bus;
      const eventId = newEventId(Date.now());
      const event: PublishedEvent = { from: i % publishers.length, kind, acked: false };
      events.set(eventId, event);
      await publishUntilAcked(bus, `${kind} ${round}/${i}`, eventId);
      event.acked = true;
      if (acked++ === strikeAt) strike();
    }
  };
  await Promise.all(Array.from({ length: TURNS }, publishInTurn));
}

function kindOf(random: number): Kind {
  if (random < 0.06) return "permanent";
  if (random < 0.12) return "late";
  return random < 0.2 ? "flaky" : "good";
}

async function publishUntilAcked(bus: Bus, text: string, eventId: string): Promise<void> {
  const deadlineMs = Date.now() + PUBLISH_LIMIT_MS;
  for (;;) {
    try {
      await bus.publish("ui.notify", { text }, { eventId });
      return;
    } catch (thrown) {
      const mayRetry = thrown instanceof MeshError && ["timeout", "unavailable"].includes(thrown.code);
      if (!mayRetry || Date.now() >= deadlineMs) throw thrown;
    }
  }
}

/** Event ids of the effects, one for each. */
function effectsIn(file: string): string[] {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return linesOf(text).map((line) => (JSON.parse(line) as { id: string }).id);
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** Every event whose ends are not what its kind and its acknowledgement say. */
function imbalances(
  events: ReadonlyMap<string, PublishedEvent>,
  effects: readonly string[],
  letters: readonly string[],
): string[] {
  const ends = new Map<string, string[]>([...events.keys()].map((id) => [id, []]));
  const problems: string[] = [];
  for (const [end, ids] of [
    ["effect", effects],
    ["dead letter", letters],
  ] as const) {
    for (const id of ids) {
      if (ends.get(id)?.push(end) === undefined) problems.push(`${id}: ${end} of what was never published`);
    }
  }
  for (const [id, { from, kind, acked }] of events) {
    const came = ends.get(id) ?? [];
    const isBalanced = came.length === 1 || (came.length === 0 && !acked);
    const isRight = came.every((end) => ENDS[kind].some((allowed) => allowed === end));
    if (!isBalanced || !isRight) {
      problems.push(
        `${id} (${kind}, publisher ${from}, ${acked ? "acked" : "not acked"}): ${came.join(" + ") || "nothing"}`,
      );
    }
  }
  return problems;
}
