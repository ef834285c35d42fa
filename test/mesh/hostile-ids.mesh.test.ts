import { type Bus, NonRetryableError, RetryableError } from "@adaos/client";
import { newEventId } from "@adaos/core";
import {
  type DeadLetter,
  deadLetterStream,
  doneStream,
  eventsStream,
  MAX_DEAD_LETTER_BYTES,
  MAX_EVENT_BYTES,
  MAX_MARK_BYTES,
  MAX_METRICS_BYTES,
  MAX_RECORD_BYTES,
  MESH_STREAM,
  processingStream,
} from "@adaos/core/wire";
import { type Connection, StreamPublisher, storedMessages } from "@adaos/transport-nats";
import { headers as newHeaders } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const YAML = `
mesh: ids
registry: ../schemas/events
subnets:
  alpha:
    export: [ui.]
    import: [ui.]
    members:
      kitchen: { publish: [ui.] }
      garden: { publish: [ui.] }
      desk: { subscribe: [ui.] }
      evil: { publish: [ui.], subscribe: [ui.] }
  beta:
    export: [ui.]
    import: [ui.]
    members:
      desk: { subscribe: [ui.] }
      spy: { publish: [ui.], subscribe: [ui.] }
`;
/** What a server says to a message that is larger than its stream takes. */
const TOO_LARGE = 10054;

interface Answer {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number };
}

/** Members with clients of their own, which know the ids that others choose and all that they may read. */
describe("ids and sizes of a hostile member", () => {
  let mesh: TestMesh;
  let kitchen: Bus;
  let evil: Connection;
  let spy: Connection;
  /** How often somebody else's id was tried. */
  let tries = 0;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
    kitchen = await mesh.connect("alpha/kitchen");
    evil = await mesh.openMember("alpha/evil");
    spy = await mesh.openMember("beta/spy");
  });
  afterAll(async () => {
    await evil.close();
    await spy.close();
    await mesh.stop();
  });

  /** Stores something as the member that `as` is. */
  async function store(
    as: Connection,
    subject: string,
    body: string | Uint8Array,
    id?: string,
  ): Promise<Answer> {
    const headers = newHeaders();
    if (id !== undefined) headers.set("Nats-Msg-Id", id);
    const answer = await as.nc.request(subject, body, {
      timeout: 5000,
      ...(id === undefined ? {} : { headers }),
    });
    return answer.json<Answer>();
  }

  /** The message ids that a stream holds, as everybody reads them who may. */
  async function storedIds(subnet: string): Promise<string[]> {
    return mesh.asService(subnet, async (nc) => {
      const jsm = await nc.jetstreamManager();
      const { state } = await jsm.streams.info(eventsStream(subnet));
      const found: string[] = [];
      for (let seq = state.last_seq; seq > Math.max(0, state.last_seq - 20); seq--) {
        const message = await jsm.streams.getMessage(eventsStream(subnet), { seq }).catch(() => undefined);
        found.push(message?.header.get("Nats-Msg-Id") ?? "");
      }
      return found.filter((id) => id !== "");
    });
  }

  /** Of which events dead letters are kept. */
  async function lettersOf(subnet: string, filter: string): Promise<string[]> {
    const keeper = await mesh.openService(subnet);
    try {
      const found: string[] = [];
      for await (const { body } of storedMessages(keeper, deadLetterStream(subnet), filter))
        found.push((JSON.parse(new TextDecoder().decode(body)) as DeadLetter).subject);
      return found;
    } finally {
      await keeper.close();
    }
  }

  /** Stores under whatever the message of this event might be called, wherever each may store. */
  async function takeIds(eventId: string, seen: readonly string[]): Promise<void> {
    const macs = seen.map((id) => id.slice(eventId.length));
    const guesses = [eventId, `alpha.kitchen.${eventId}`, ...macs.map((mac) => `${eventId}${mac}`), ...seen];
    const places: [Connection, string][] = [
      [evil, "evt.alpha.evil.ui.notify.v1"],
      [evil, "rpy.far.beta.spy.x.alpha.evil.ui.notify.v1"],
      [evil, "dlq.alpha.evil.x.1"],
      [evil, "proc.alpha.evil.x.1.1"],
      [evil, "done.alpha.evil.x.1"],
      [evil, "met.alpha.evil.x.1"],
      [spy, "evt.beta.spy.ui.notify.v1"],
    ];
    tries += guesses.length * places.length;
    await Promise.all(guesses.flatMap((id) => places.map(([as, subject]) => store(as, subject, "", id))));
  }

  test.each([
    ["evt.alpha.evil.ui.notify.v1", MAX_EVENT_BYTES],
    ["rpy.near.alpha.kitchen.EVT-1.alpha.evil.ui.notify.v1", MAX_EVENT_BYTES],
    ["dlq.alpha.evil.x.1", MAX_DEAD_LETTER_BYTES],
    ["proc.alpha.evil.x.1.1", MAX_RECORD_BYTES],
    ["met.alpha.evil.x.1", MAX_METRICS_BYTES],
    ["done.alpha.evil.x.1", MAX_MARK_BYTES],
  ])("at %s a byte more than %i is refused", async (subject, limit) => {
    expect((await store(evil, subject, new Uint8Array(limit))).error).toBeUndefined();
    const { error } = await store(evil, subject, new Uint8Array(limit + 1));
    expect(error?.err_code).toBe(TOO_LARGE);
    // Headers count as well: `NATS/1.0`, `Nats-Msg-Id: x` and their line ends are 28 bytes.
    expect((await store(evil, subject, new Uint8Array(limit - 28), "a")).error).toBeUndefined();
    expect((await store(evil, subject, new Uint8Array(limit - 27), "b")).error?.err_code).toBe(TOO_LARGE);
  });

  test("what an earlier version has stored crosses the leaf, and its hub takes no more of it", async () => {
    const desk = await mesh.connect("beta/desk");
    const seen: string[] = [];
    const subscription = await desk.subscribe("ui.notify", { durable: "after" }, ({ data }) => {
      seen.push(data.text);
    });
    const subject = "evt.alpha.evil.ui.notify.v1";
    const old = new Uint8Array(1_048_528);
    await mesh.asService("alpha", async (nc) => {
      const jsm = await nc.jetstreamManager();
      const { config } = await jsm.streams.info(eventsStream("alpha"));
      await jsm.streams.update(config.name, { ...config, max_msg_size: -1 });
      for (let i = 0; i < 3; i++) expect((await store(evil, subject, old, `old ${i}`)).error).toBeUndefined();
      process.kill(mesh.pid("alpha/hub"), "SIGKILL");
      await until("the hub mends its stream", async () => {
        return (await jsm.streams.info(config.name)).config.max_msg_size === MAX_EVENT_BYTES;
      });
      const message = await jsm.streams.getMessage(config.name, { last_by_subj: subject });
      expect(message.data.length).toBe(old.length);
    });
    expect((await store(evil, subject, old)).error?.err_code).toBe(TOO_LARGE);
    await kitchen.publish("ui.notify", { text: "behind the large" });
    await until("what is behind it arrived", () => seen.includes("behind the large"));
    await subscription.stop();
  });

  test.each([
    ["alpha", eventsStream("alpha")],
    ["root", MESH_STREAM],
  ])("who keeps the stream of %s looks at what is said to be a duplicate", async (of, stream) => {
    const keeper = await mesh.openService(of);
    const publisher = new StreamPublisher(keeper, { checksDuplicates: true });
    const subject = `evt.alpha.kitchen.ids.kept-${of}.v1`;
    const message = { subject, id: newEventId(Date.now()), headers: {}, body: new Uint8Array(10) };
    const first = await publisher.publish(message);
    expect(await publisher.publish(message)).toEqual({ ...first, duplicate: true });
    // As if its key were known: what it will call its next message is taken.
    const next = { ...message, id: newEventId(Date.now()) };
    const taken = await store(keeper, `${subject}.other`, "", keeper.ids.of(subject, next.id));
    expect(taken.error).toBeUndefined();
    const receipt = await publisher.publish(next);
    expect(receipt).toMatchObject({ stream, duplicate: false });
    expect(receipt.seq).toBeGreaterThan(taken.seq ?? 0);
    await publisher.close();
    await keeper.close();
  });

  test("no event is swallowed, whatever ids are taken before it is published", async () => {
    const garden = await mesh.connect("alpha/garden");
    const [near, far] = [await mesh.connect("alpha/desk"), await mesh.connect("beta/desk")];
    const asEvil = await mesh.connect("alpha/evil");
    const asSpy = await mesh.connect("beta/spy");
    const arrived = { near: new Map<string, number>(), far: new Map<string, number>() };
    const count =
      (seen: Map<string, number>) =>
      ({ data }: { data: { text: string } }) => {
        seen.set(data.text, (seen.get(data.text) ?? 0) + 1);
      };
    await near.subscribe("ui.notify", { durable: "near" }, count(arrived.near));
    await far.subscribe("ui.notify", { durable: "far" }, count(arrived.far));
    await kitchen.publish("ui.notify", { text: "to be read" });
    const seen = await storedIds("alpha");
    const expected: string[] = [];
    for (let i = 0; i < 20; i++) {
      const eventId = newEventId(Date.now());
      await takeIds(eventId, seen);
      // The same id by the library, too: from the same subnet, from another, and from another honest node.
      await asEvil.publish("ui.notify", { text: `evil ${i}` }, { eventId });
      await asSpy.publish("ui.notify", { text: `spy ${i}` }, { eventId });
      const published = [
        await kitchen.publish("ui.notify", { text: `kitchen ${i}` }, { eventId }),
        await garden.publish("ui.notify", { text: `garden ${i}` }, { eventId }),
      ];
      expect(published.map(({ duplicate }) => duplicate)).toEqual([false, false]);
      const again = await kitchen.publish("ui.notify", { text: `kitchen ${i}` }, { eventId });
      expect(again).toEqual({ ...published[0], duplicate: true });
      expected.push(`kitchen ${i}`, `garden ${i}`, `evil ${i}`, `spy ${i}`);
    }
    const swallowed = () =>
      [arrived.near, arrived.far].flatMap((all) => expected.filter((text) => !all.has(text)));
    await until("all arrived in both subnets", () => swallowed().length === 0);
    for (const all of Object.values(arrived)) for (const times of all.values()) expect(times).toBe(1);
    expect(tries).toBeGreaterThan(1000);
  });

  test("an event of an outbox is not swallowed, and is stored once", async () => {
    const desk = await mesh.connect("beta/desk");
    const seen: string[] = [];
    await desk.subscribe("ui.notify", { durable: "outbox" }, ({ data }) => void seen.push(data.text));
    const supervisor = mesh.pid("supervisor");
    const ids = Array.from({ length: 10 }, () => newEventId(Date.now()));
    const visible = await storedIds("alpha");
    for (const id of ids) await takeIds(id, visible);
    process.kill(supervisor, "SIGSTOP");
    try {
      process.kill(mesh.pid("nats-alpha"), "SIGKILL");
      await until("the server is away", async () => {
        const { stream } = await kitchen.publish("ui.notify", { text: "probe" });
        return stream === "outbox";
      });
      for (const [i, eventId] of ids.entries())
        await kitchen.publish("ui.notify", { text: `waiting ${i}` }, { eventId });
    } finally {
      process.kill(supervisor, "SIGCONT");
    }
    const waited = () => seen.filter((text) => text.startsWith("waiting"));
    await until("all arrived", () => waited().length >= ids.length);
    expect(waited()).toEqual(ids.map((_, i) => `waiting ${i}`));
    // Another process of the node, with the same id.
    const other = await mesh.connect("alpha/kitchen", { outbox: false });
    const [first = ""] = ids;
    expect(await other.publish("ui.notify", { text: "waiting 0" }, { eventId: first })).toMatchObject({
      duplicate: true,
    });
  });

  test("dead letters, records and marks of events of one id are each stored", async () => {
    const desk = await mesh.connect("alpha/desk");
    const asEvil = await mesh.connect("alpha/evil");
    const garden = await mesh.connect("alpha/garden");
    const attempts = new Map<string, number>();
    const retry = { baseMs: 100, jitter: 0, maxRetries: 1 };
    // Marks in the hub's stream are the ones that another member could try to take the place of.
    const settings = { durable: "letters", retry, idempotency: "hub" } as const;
    await desk.subscribe("ui.notify", settings, ({ data: { text }, source }) => {
      const own = `${source} ${text}`;
      attempts.set(own, (attempts.get(own) ?? 0) + 1);
      if (source.endsWith("@kitchen")) throw new NonRetryableError("no");
      if (source.endsWith("@garden") && attempts.get(own) === 1) throw new RetryableError("not yet");
    });
    const [seen, count] = [await storedIds("alpha"), 5];
    for (let i = 0; i < count; i++) {
      const eventId = newEventId(Date.now());
      await takeIds(eventId, seen);
      await kitchen.publish("ui.notify", { text: `letter ${i}` }, { eventId });
      await garden.publish("ui.notify", { text: `letter ${i}` }, { eventId });
      await asEvil.publish("ui.notify", { text: `letter ${i}` }, { eventId });
    }
    await until("all are settled", () => desk.stats.handled >= 2 * count && desk.stats.deadLettered >= count);
    const letters = await lettersOf("alpha", "dlq.alpha.desk.letters.*");
    // Whatever else was stored under those ids was no event, and is a dead letter as well.
    const deadLetters = letters.filter((subject) => subject === "evt.alpha.kitchen.ui.notify.v1");
    const held = await mesh.asService("alpha", async (nc) => {
      const jsm = await nc.jetstreamManager();
      const subjects = async (stream: string, subjects_filter: string): Promise<number> =>
        Object.keys((await jsm.streams.info(stream, { subjects_filter })).state.subjects ?? {}).length;
      return {
        records: await subjects(processingStream("alpha"), "proc.alpha.desk.letters.>"),
        marks: await subjects(doneStream({ subnet: "alpha", node: "desk" }), "done.alpha.desk.letters.*"),
      };
    });
    expect(deadLetters).toHaveLength(count);
    expect(held).toEqual({ records: 2 * count, marks: 2 * count });
  });
});
