import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bus } from "@adaos/core";
import { loadRegistry } from "@adaos/registry";
import { storedMessages } from "@adaos/transport-nats";
import type { StreamInfo } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";

/** What a store loses here lies on the disk of the server of this subnet. */
const SUBNET = "alpha";
const EVENTS = "EVENTS_alpha";

let mesh: TestMesh;
let sender: Bus;
let receiver: Bus;
let far: Bus;
/** Texts in the order in which they were handled. */
let heard: string[];
let heardFar: string[];

beforeAll(async () => {
  mesh = await TestMesh.start();
  sender = await mesh.connect("alpha/kitchen");
  receiver = await mesh.connect("alpha/speaker");
  far = await mesh.connect("beta/desk");
  heard = [];
  heardFar = [];
  const take = (texts: string[]) => (event: { data: unknown }) => {
    texts.push((event.data as { text: string }).text);
  };
  await receiver.subscribe("ui.notify", { durable: "near" }, take(heard));
  await far.subscribe("ui.notify", { durable: "far" }, take(heardFar));
});
afterAll(() => mesh.stop());

async function publish(prefix: string, count: number): Promise<string[]> {
  const texts = Array.from({ length: count }, (_, i) => `${prefix} ${i}`);
  for (const text of texts) await sender.publish("ui.notify", { text });
  return texts;
}

function untilHeard(texts: readonly string[], where = heard): Promise<void> {
  return until(`${texts[0]} … are heard`, () => texts.every((text) => where.includes(text)));
}

function storeFile(stream: string, ...path: string[]): string {
  return join(mesh.state, "store", SUBNET, "jetstream/SUBNET/streams", stream, ...path);
}

/** Ends the server as a crash does and harms its store before it is started again. */
async function crash(harm: () => void): Promise<void> {
  const name = `nats-${SUBNET}`;
  const pid = mesh.pid(name);
  process.kill(pid, "SIGKILL");
  harm();
  await until("another server runs", () => mesh.isReplaced(name, pid));
}

function streamOf(name: string): Promise<StreamInfo | undefined> {
  return mesh
    .asService(SUBNET, async (nc) => (await nc.jetstreamManager()).streams.info(name))
    .catch(() => undefined);
}

interface Damage {
  readonly stream: string;
  readonly isNew: boolean;
  readonly intactTo: number;
  readonly lost: readonly { readonly from: number; readonly to: number }[];
}

/** What the hub tells of its streams. */
async function damages(): Promise<readonly Damage[]> {
  const { statusUrl } = JSON.parse(readFileSync(join(mesh.state, `run/${SUBNET}_hub.json`), "utf8"));
  const answer = (await (await fetch(`${statusUrl}/status`)).json()) as {
    parts: { stream: { details: { damages: Damage[] } } };
  };
  return answer.parts.stream.details.damages;
}

function untilTold(what: string, isIt: (damage: Damage) => boolean): Promise<void> {
  return until(`status tells of ${what}`, async () => (await damages()).some(isIt), 20_000);
}

describe("a store whose stream has torn settings", () => {
  test("handlers hear on, what waited is not passed over, and the settings are whole again", async () => {
    await untilHeard(await publish("before", 20), heardFar);
    const created = (await streamOf(EVENTS))?.created;
    const sleeper = await mesh.connect("alpha/kitchen");
    const durable = await sleeper.subscribe("ui.notify", { durable: "sleeper" }, () => undefined);
    await durable.stop();
    const missed = await publish("missed", 30);
    await untilHeard(missed, heardFar);
    await crash(() => truncateSync(storeFile(EVENTS, "meta.inf"), 40));
    await until("the stream is there", async () => {
      const info = await streamOf(EVENTS);
      return info !== undefined && info.created !== created;
    });
    const after = await publish("after", 10);
    await untilHeard(after);
    await untilHeard(after, heardFar);
    const late: string[] = [];
    await sleeper.subscribe("ui.notify", { durable: "sleeper" }, (event) => {
      late.push((event.data as { text: string }).text);
    });
    await untilHeard([...missed, ...after], late);
    // No effect twice.
    expect(heard.filter((text) => text.startsWith("before"))).toHaveLength(20);
    await untilTold("a new stream that has lost nothing", ({ stream, isNew, lost }) => {
      return stream === EVENTS && isNew && lost.length === 0;
    });
    expect(JSON.parse(readFileSync(storeFile(EVENTS, "meta.inf"), "utf8"))).toMatchObject({ name: EVENTS });
  });
});

describe("streams that somebody has removed", () => {
  test("are made anew, give no number twice, and handlers hear on", async () => {
    const before = await streamOf(EVENTS);
    const marks = "DONE_alpha_speaker";
    await mesh.asService(SUBNET, async (nc) => {
      const jsm = await nc.jetstreamManager();
      await jsm.streams.delete(marks);
      await jsm.streams.delete(EVENTS);
    });
    await until("both are there", async () => {
      return (await streamOf(EVENTS)) !== undefined && (await streamOf(marks)) !== undefined;
    });
    const texts = await publish("anew", 10);
    await untilHeard(texts);
    await untilHeard(texts, heardFar);
    const lastSeq = before?.state.last_seq ?? 0;
    expect((await streamOf(EVENTS))?.state.first_seq).toBeGreaterThan(lastSeq);
    await untilTold("all that is lost", ({ stream, isNew, lost }) => {
      return stream === EVENTS && isNew && lost.some(({ from, to }) => from === 1 && to <= lastSeq);
    });
    const { stdout } = await mesh.ask(["status"]);
    expect(stdout).toMatch(/alpha\/hub .*store damaged at .* was made anew, lost \d+/);
  });
});

describe("a store whose newest block is cut", () => {
  test("is told, and handlers hear what is stored under the numbers that are given again", async () => {
    const texts = await publish("cut", 40);
    await untilHeard(texts);
    await untilHeard(texts, heardFar);
    const lastSeq = await bookedSeq();
    await crash(() => truncateSync(newestBlock(), Math.floor(statSync(newestBlock()).size / 2)));
    const again = await publish("again", 10);
    await untilHeard(again);
    await untilHeard(again, heardFar);
    await untilTold("a tail", ({ stream, isNew, lost }) => {
      return stream === EVENTS && !isNew && lost.some(({ from, to }) => from < to && to === lastSeq);
    });
    const ledger = readFileSync(positionsFile().replace(".json", ".lost.jsonl"), "utf8").trim().split("\n");
    expect(ledger.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ stream: EVENTS, isNew: false }),
    );
  });
});

describe("a store with a flipped bit", () => {
  test("is told, and handlers hear on", async () => {
    const texts = await publish("flip", 40);
    await untilHeard(texts);
    const lastSeq = await bookedSeq();
    await crash(() => flipBit(newestBlock(), Math.floor(statSync(newestBlock()).size * 0.7)));
    const again = await publish("flipped", 10);
    await untilHeard(again);
    await untilHeard(again, heardFar);
    await untilTold("what the bit has cost", ({ stream, lost }) => {
      return stream === EVENTS && lost.some(({ to }) => to === lastSeq);
    });
  });
});

describe("what other streams still hold", () => {
  test("comes back into the root's stream from the hubs, and handlers repeat nothing", async () => {
    const texts = await publish("root", 20);
    await untilHeard(texts, heardFar);
    const before = heardFar.length;
    await until("the position is written down", () => {
      return readFileSync(join(mesh.state, "positions/root.json"), "utf8").includes('"alpha"');
    });
    await mesh.asService("root", async (nc) => (await nc.jetstreamManager()).streams.delete("MESH"));
    // Those of the hub's stream, which has lost some of its own by now.
    await until("MESH holds all of them again", async () => (await countOf("root", "MESH")) >= 20, 60_000);
    const after = await publish("refilled", 5);
    await untilHeard(after, heardFar);
    expect(heardFar).toHaveLength(before + after.length);
  });

  test("comes back into a hub's stream from the root's, and handlers repeat nothing", async () => {
    const texts = await publish("hub", 20);
    await untilHeard(texts);
    await untilHeard(texts, heardFar);
    const [near, there] = [heard.length, heardFar.length];
    await mesh.asService(SUBNET, async (nc) => (await nc.jetstreamManager()).streams.delete(EVENTS));
    await until("the hub holds them again", async () => (await countOf(SUBNET, EVENTS)) >= 20, 60_000);
    const after = await publish("given back", 5);
    await untilHeard(after);
    await untilHeard(after, heardFar);
    expect([heard.length, heardFar.length]).toEqual([near + after.length, there + after.length]);
  });
});

describe("mesh.store.damaged@1", () => {
  test("tells each loss once: the hub's in its subnet, the root's in every subnet", async () => {
    const registry = await loadRegistry(join(HOME, "schemas/events"));
    const contract = registry.resolve("mesh.store.damaged", 1);
    const own = await toldIn("alpha", "evt.alpha.hub.mesh.store.damaged.v1");
    const far = await toldIn("beta", "evt.beta.root.mesh.store.damaged.v1");
    for (const data of [...own, ...far]) expect(contract.validate(data).violations).toEqual([]);
    // What was told before went with the stream itself, which was removed last.
    expect(own).toEqual([expect.objectContaining({ stream: EVENTS, kind: "missing", refilled_by: "root" })]);
    expect(far).toEqual([
      expect.objectContaining({ node: "root", stream: "MESH", kind: "missing", refilled_by: "hubs" }),
    ]);
    expect(Number(far[0]?.["lost"])).toBeGreaterThan(0);
  });
});

describe("adaos store", () => {
  test("verify finds every stream whole, and tells what was lost before", async () => {
    const verify = (): ReturnType<TestMesh["adaos"]> => mesh.adaos(["store", "verify", "--deep", "--json"]);
    // What the tests before have broken may be known to its daemon a look later.
    let found = "";
    const isWhole = async (): Promise<boolean> => {
      const { code, stdout } = await verify();
      found = stdout;
      return code === 0;
    };
    await until("nothing is damaged that was not known", isWhole, 20_000);
    const { damaged, streams, known_losses: known } = JSON.parse(found);
    expect(damaged).toBe(0);
    expect(streams).toContainEqual(expect.objectContaining({ of: SUBNET, stream: EVENTS, isBooked: true }));
    expect(known).toContainEqual(expect.objectContaining({ of: SUBNET, stream: EVENTS }));
  });

  test("verify and heal name a durable that is gone while its hub is away, and heal makes it anew where it stood", async () => {
    await until("the durable is written down", () =>
      readFileSync(positionsFile(), "utf8").includes("speaker_near"),
    );
    // The supervisor as well: it would start the hub again, and that one heals by itself.
    const goOn = mesh.freeze("alpha/hub");
    try {
      await mesh.asService(SUBNET, async (nc) => {
        await (await nc.jetstreamManager()).consumers.delete(EVENTS, "speaker_near");
      });
      const verified = await mesh.adaos(["store", "verify", "--at", SUBNET]);
      expect([verified.code, verified.stdout]).toEqual([
        65,
        expect.stringContaining("speaker_near is astray"),
      ]);
      expect((await mesh.adaos(["store", "heal", "--at", SUBNET, "--dry-run"])).stderr).toContain(
        "would heal 1",
      );
      const healed = await mesh.adaos(["store", "heal", "--at", SUBNET, "--yes"]);
      expect([healed.code, healed.stdout]).toEqual([0, expect.stringContaining("1 healed")]);
      await untilHeard(await publish("healed", 3));
    } finally {
      goOn();
    }
  });
});

/** The data of all events of a subject that a subnet's stream holds. */
async function toldIn(subnet: string, subject: string): Promise<Record<string, unknown>[]> {
  const connection = await mesh.openService(subnet);
  try {
    const found: Record<string, unknown>[] = [];
    const messages = storedMessages(connection, `EVENTS_${subnet}`, subject, { time: new Date(0) });
    for await (const { body } of messages) found.push(JSON.parse(new TextDecoder().decode(body)).data);
    return found;
  } finally {
    await connection.close();
  }
}

/** How many events of the sender a stream holds. */
async function countOf(of: string, stream: string): Promise<number> {
  const filter = { subjects_filter: "evt.alpha.kitchen.>" };
  const info = await mesh
    .asService(of, async (nc) => (await nc.jetstreamManager()).streams.info(stream, filter))
    .catch(() => undefined);
  return Object.values(info?.state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
}

/** The end of the stream, once it is written down: what is not cannot be missed. */
async function bookedSeq(): Promise<number> {
  const booked = () => JSON.parse(readFileSync(positionsFile(), "utf8")).streams[EVENTS].lastSeq as number;
  await until("the position is written down", async () => {
    return booked() === (await streamOf(EVENTS))?.state.last_seq;
  });
  return booked();
}

function positionsFile(): string {
  return join(mesh.state, "positions", `${SUBNET}_hub.json`);
}

/** The block into which the server writes. */
function newestBlock(): string {
  const blocks = readdirSync(storeFile(EVENTS, "msgs")).filter((name) => name.endsWith(".blk"));
  const numbers = blocks.map((name) => Number.parseInt(name, 10));
  return storeFile(EVENTS, "msgs", `${Math.max(...numbers)}.blk`);
}

function flipBit(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}
