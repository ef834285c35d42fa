import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bus } from "@adaos/client";
import { checkEnvelope, encodeEnvelope, type Message, newEventId } from "@adaos/core";
import { deadLetterStream, parkedStream } from "@adaos/core/wire";
import { type Connection, StreamPublisher } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";

const REGISTRY = "REGISTRY_FOLDER";
/** Dead letters may take as much, what is parked half of it, and one origin a quarter of that. */
const MAX_BYTES = 16 * 1024 * 1024;
const YAML = `
mesh: parking
streams: { maxBytes: ${MAX_BYTES} }
registry: ${REGISTRY}
subnets:
  alpha:
    export: [lab., ui.]
    members:
      garden: { publish: [ui.] }
      kitchen: { publish: [lab., ui.] }
  beta:
    import: [lab., ui.]
    members:
      desk: { publish: [lab., ui.], subscribe: [lab., ui.] }
      lamp: { publish: [lab., ui.], subscribe: [lab., ui.] }
`;

let mesh: TestMesh;
let folder: string;
/** Alpha's kitchen, which nothing of the library checks. */
let bare: Connection;
let flood: StreamPublisher;

/** An event as `from` would publish it if it knew it. */
function stranger(name: string, n: number, from = "alpha.kitchen"): Message {
  const id = newEventId(Date.now());
  const envelope = checkEnvelope({
    event_id: id,
    event_name: name,
    version: 1,
    kind: "event",
    ts: new Date().toISOString(),
    source: `app@${from.split(".")[1]}`,
    correlation_id: id,
    tenant: "default",
    headers: {},
    data: { n },
  });
  return { subject: `evt.${from}.${name}.v1`, id, headers: {}, body: encodeEnvelope(envelope) };
}

async function publishStrangers(count: number, nameOf: (n: number) => string): Promise<void> {
  const all = Array.from({ length: count }, (_, n) => flood.publish(stranger(nameOf(n), n)));
  await Promise.all(all);
}

interface Held {
  readonly messages: number;
  readonly bytes: number;
  readonly events: number;
}

/** What a stream of beta holds, and of how many events that is. */
function held(stream: string, filter = ">"): Promise<Held> {
  return mesh.asService("beta", async (nc) => {
    const jsm = await nc.jetstreamManager({ checkAPI: false });
    const { state } = await jsm.streams.info(stream, { subjects_filter: filter });
    return { messages: state.messages, bytes: state.bytes, events: Object.keys(state.subjects ?? {}).length };
  });
}

const copies = async (event = ">"): Promise<number> =>
  (await held(parkedStream("beta"), `parked.event.*.*.*.*.*.${event}`)).events;

/** What the handlers of a durable were given, in order, by event. */
async function collect(bus: Bus, pattern: string, durable: string): Promise<Map<string, unknown[]>> {
  const seen = new Map<string, unknown[]>();
  await bus.subscribe(pattern, { durable }, ({ event_name, data }) => {
    const { n, text } = data as { n?: number; text?: string };
    seen.set(event_name, [...(seen.get(event_name) ?? []), n ?? text]);
  });
  return seen;
}

/** Makes an event known to the mesh. */
function declare(name: string): void {
  const path = `${name.replace(".", "/")}/v1`;
  mkdirSync(join(folder, path), { recursive: true });
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:adaos:schema:${name}:v1`,
    "x-version": "1.0.0",
    type: "object",
    properties: { n: { type: "integer" } },
    required: ["n"],
    additionalProperties: false,
  };
  writeFileSync(join(folder, path, "schema.json"), JSON.stringify(schema));
  const record = `\n- { name: ${name}, version: 1, kind: event, summary: Of a test., status: stable, schema: ${path}/schema.json }\n`;
  const index = join(folder, "registry.yaml");
  writeFileSync(index, readFileSync(index, "utf8") + record);
}

async function killHub(): Promise<void> {
  const pid = mesh.pid("beta/hub");
  process.kill(pid, "SIGKILL");
  await until("the hub is started again", () => mesh.isReplaced("beta/hub", pid));
}

beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: YAML.replace(REGISTRY, "../schemas/events") });
  await mesh.adaos(["down"]);
  folder = join(mesh.dir, "registry");
  cpSync(join(HOME, "schemas/events"), folder, { recursive: true });
  mesh.configure(YAML.replace(REGISTRY, folder));
  await mesh.up();
  bare = await mesh.openMember("alpha/kitchen");
  flood = new StreamPublisher(bare, { maxQueued: 100_000 });
});

afterAll(async () => {
  await flood?.close();
  await bare?.close();
  await mesh?.stop();
});

describe("events that nobody in a subnet knows", () => {
  const COUNT = 400;

  test("are kept once for all durables; kills of the hub lose none and double none, in order", async () => {
    const desk = await mesh.connect("beta/desk");
    const lamp = await mesh.connect("beta/lamp");
    const [atDesk, atLamp] = [await collect(desk, "lab.", "kills"), await collect(lamp, "lab.", "kills")];
    const event = "lab.sample.weighed";
    const published = publishStrangers(COUNT, () => event);
    await until("some are parked", () => desk.stats.parked > 0);
    await killHub();
    await published;
    await until("all are parked", () => desk.stats.parked === COUNT && lamp.stats.parked === COUNT, 60_000);
    expect(await copies(`${event}.v1`)).toBe(COUNT);
    const status = JSON.parse((await mesh.ask(["events", "status", "--at", "beta", "--json"])).stdout);
    // Both daemons keep a journal of what they may see, and wait too.
    expect(status).toMatchObject({ parked: 4 * COUNT, parked_events: COUNT });
    expect(desk.stats).toMatchObject({ deadLettered: 0, retried: 0, refused: 0 });

    declare(event);
    await until("some are released", () => (atDesk.get(event)?.length ?? 0) > 0);
    await killHub();
    const numbers = Array.from({ length: COUNT }, (_, n) => n);
    await until(
      "all are",
      () => atDesk.get(event)?.length === COUNT && atLamp.get(event)?.length === COUNT,
      60_000,
    );
    expect(atDesk.get(event)).toEqual(numbers);
    expect(atLamp.get(event)).toEqual(numbers);
    await until("nothing is parked", async () => (await held(parkedStream("beta"))).messages === 0, 90_000);
    expect((await held(deadLetterStream("beta"))).messages).toBe(0);
    await Promise.all([desk.close(), lamp.close()]);
  });

  test("are shown to operators, run again by hand at one durable, and deleted", async () => {
    const desk = await mesh.connect("beta/desk");
    await collect(desk, "lab.", "hand");
    await flood.publish(stranger("lab.hand.made", 1));
    await until("it is parked", () => desk.stats.parked === 1);
    const of = ["--durable", "hand", "--json"];
    const listed = async (): Promise<{ dead_letter_id: string; event_id: string; rule: string }[]> => {
      const { stdout } = await mesh.ask(["events", "dlq", "list", ...of]);
      return stdout.trim() === ""
        ? []
        : stdout
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line));
    };
    const [letter] = await listed();
    expect(letter).toMatchObject({ rule: "unknown-event", event_name: "lab.hand.made", node: "beta/desk" });
    const detail = JSON.parse(
      (await mesh.ask(["events", "detail", letter?.event_id ?? "", "--json"])).stdout,
    );
    expect(detail.dead_letters.length).toBeGreaterThanOrEqual(1);
    expect(detail.event.seq).toBeGreaterThan(0);
    const shown = await mesh.ask(["events", "dlq", "show", letter?.dead_letter_id ?? ""]);
    expect(shown.stdout).toContain('"unknown-event"');
    // Still unknown: run again, it is parked again, under its new id.
    const replayed = await mesh.ask([
      "events",
      "dlq",
      "replay",
      letter?.dead_letter_id ?? "",
      "--yes",
      "--json",
    ]);
    expect(replayed.code).toBe(0);
    await until("it is parked again", () => desk.stats.parked === 2);
    const [again] = await listed();
    expect(again?.event_id).not.toBe(letter?.event_id);
    const purged = await mesh.ask(["events", "dlq", "purge", "--older-than", "0", "--at", "beta", "--yes"]);
    expect(purged.code).toBe(0);
    expect(await listed()).toEqual([]);
    await desk.close();
  });

  test("hold up nothing, and take the room of their origin and no more", async () => {
    const FLOOD = 4000;
    const desk = await mesh.connect("beta/desk");
    const seen = await collect(desk, "ui.", "flooded");
    const all = await collect(desk, "lab.", "flooded-too");
    const lamp = await mesh.connect("beta/lamp");
    const garden = await mesh.connect("alpha/garden");
    const startMs = performance.now();
    await publishStrangers(2000, (n) => `lab.flood.n${n % 50}`);
    await garden.publish("ui.notify", { text: "behind 2000" });
    await until("what is behind is handled", () => seen.get("ui.notify")?.length === 1, 20_000);
    await publishStrangers(FLOOD - 2000, (n) => `lab.flood.m${n}`);
    await garden.publish("ui.notify", { text: "behind all" });
    const { stats } = desk;
    await until("what is behind is handled", () => seen.get("ui.notify")?.length === 2, 40_000);
    await until("all are settled", () => stats.parked + stats.refused === FLOOD, 60_000);
    console.log(`${FLOOD} unknown events settled in ${Math.round(performance.now() - startMs)} ms`);
    expect(stats.refused).toBeGreaterThan(FLOOD / 4);
    expect(await copies()).toBeLessThan(FLOOD);
    expect((await held(parkedStream("beta"))).bytes).toBeLessThan(MAX_BYTES / 6);
    expect((await held(deadLetterStream("beta"))).messages).toBe(0);
    const denied = readFileSync(join(mesh.state, "logs/beta_hub.log"), "utf8");
    expect(denied).toMatch(/"rule":"budget".*"event":"denied"|"denied".*"rule":"budget"/);

    // Another origin has its own room.
    await Promise.all([lamp.close()]);
    const own = await mesh.openMember("beta/lamp");
    const publisher = new StreamPublisher(own);
    const parked = stats.parked;
    await publisher.publish(stranger("lab.own.made", 1, "beta.lamp"));
    await until("it is parked", () => stats.parked === parked + 1);
    expect(all.size).toBe(0);
    await publisher.close();
    await own.close();
    await Promise.all([desk.close(), garden.close()]);
  });

  test("are parked for nobody but the durable that takes them", async () => {
    const lamp = await mesh.connect("beta/lamp");
    await collect(lamp, "ui.", "mine");
    const own = await mesh.openMember("beta/lamp");
    const ask = async (durable: string, seqs: readonly unknown[]): Promise<unknown> => {
      const body = JSON.stringify({ durable, seqs });
      return (await own.nc.request("svc.hub.lamp.park", body, { timeout: 10_000 })).json();
    };
    const before = (await held(parkedStream("beta"))).messages;
    const lab = await mesh.asService("beta", async (nc) => {
      const jsm = await nc.jetstreamManager({ checkAPI: false });
      return (await jsm.streams.getMessage("EVENTS_beta", { last_by_subj: "evt.*.*.lab.>" })).seq;
    });
    expect(await ask("mine", [lab, 4_000_000])).toEqual({ refused: [lab, 4_000_000] });
    expect(await ask("flooded-too", [lab])).toMatchObject({ error: { code: "denied" } });
    for (const wrong of [[], [0], [-1], [1.5], ["1"], Array.from({ length: 257 }, (_, n) => n + 1)])
      expect(await ask("mine", wrong)).toMatchObject({ error: { code: "usage" } });
    expect((await held(parkedStream("beta"))).messages).toBe(before);
    await own.close();
    await lamp.close();
  });
});

describe("a full stream of dead letters", () => {
  test("holds the events that have failed, and not the good ones behind them", async () => {
    await mesh.asService("beta", async (nc) => {
      const jsm = await nc.jetstreamManager({ checkAPI: false });
      await jsm.streams.update(deadLetterStream("beta"), { max_bytes: 1 });
    });
    const desk = await mesh.connect("beta/desk");
    const handled: string[] = [];
    await desk.subscribe(
      "ui.notify",
      { durable: "full", maxConcurrency: 1, retry: { maxRetries: 0 } },
      ({ data }) => {
        if (data.text === "bad") throw new TypeError("bad");
        handled.push(data.text);
      },
    );
    const garden = await mesh.connect("alpha/garden");
    for (let n = 0; n < 5; n++) await garden.publish("ui.notify", { text: "bad" });
    for (let n = 0; n < 20; n++) await garden.publish("ui.notify", { text: `good ${n}` });
    await until("the good ones are handled", () => handled.length === 20, 20_000);
    expect(desk.stats.held).toBeGreaterThanOrEqual(5);
    await Promise.all([desk.close(), garden.close()]);
  });
});
