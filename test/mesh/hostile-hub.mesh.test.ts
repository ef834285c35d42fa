import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Bus } from "@adaos/client";
import { AckPolicy, type NatsConnection, nkeys } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Asked, HostileLeaf, type Sent } from "../kit/hostile-leaf.ts";
import { TestMesh, until } from "../kit/mesh.ts";
import { envelopeOf } from "../kit/stand-ins.ts";

const LIMIT = 200;
const MESH = `
mesh: hostile-hub
registry: ../schemas/events
subnets:
  alpha:
    remote: true
    export: [ui.]
    import: [ui.]
    exportLimit: { eventsPerSecond: ${LIMIT} }
    members: { kitchen: { publish: [ui.] } }
  beta:
    export: [ui.]
    members: { desk: { publish: [ui.] } }
  gamma:
    import: [ui.]
    members: { porch: { subscribe: [ui.] } }
`;

const OWN = "$JS.ACK.EVENTS_alpha.root";
const NOTIFY = "evt.alpha.kitchen.ui.notify.v1";
const PIN = "Nats-Pin-Id: abcdefghijklmnopqrstuv\r\n";
const MEGABYTE = Buffer.alloc(1_000_000, "x");
/** Published steadily between the two others, all the while. */
const TICK_MS = 20;

/** Every answer to `CONSUMER.INFO` that a hub may think of. */
function crafted(): string[] {
  const values = ["{}", "[]", "null", '""', '"1"', "-1", "1.5", "1e308", "1e999", "9007199254740993", "true"];
  const state = (change: Record<string, string>): string => {
    const fields = {
      created: '"2026-01-01T00:00:00Z"',
      delivered: '{"consumer_seq":90000,"stream_seq":90000}',
      ack_floor: '{"stream_seq":1}',
      num_ack_pending: "2000",
      ...change,
    };
    return `{${Object.entries(fields).map(([key, value]) => `"${key}":${value}`)}}`;
  };
  return [
    "",
    "{",
    ...values,
    "[".repeat(50_000),
    `{"created":"${"x".repeat(500_000)}"}`,
    ...values.flatMap((value) => [
      ...["created", "delivered", "ack_floor", "num_ack_pending", "error"].map((key) =>
        state({ [key]: value }),
      ),
      state({ delivered: `{"consumer_seq":${value},"stream_seq":5}` }),
      state({ delivered: `{"consumer_seq":5,"stream_seq":${value}}` }),
      state({ ack_floor: `{"stream_seq":${value}}` }),
      `{"error":{"code":${value},"description":${value}}}`,
    ]),
    ...Array.from({ length: 20 }, (_, i) => state({ created: `"again ${i}"` })),
    ...Array.from({ length: 20 }, (_, i) => state({ num_ack_pending: `${i}` })),
    state({ delivered: '{"consumer_seq":9007199254740991,"stream_seq":9007199254740991}' }),
    state({ delivered: '{"consumer_seq":1,"stream_seq":15000}' }),
    '{"error":{"code":404,"description":"consumer not found"}}',
  ];
}

/** Deliveries whose acknowledgement would harm somebody, or nobody. */
const TAILS = [
  "1.20.20.0.0",
  "1.1.1.0.0",
  "1.9007199254740991.1.0.0",
  "1.-1.1.0.0",
  "1.x.y.0.0",
  "0.0.0.0.0",
];
const FOREIGN = [
  "$JS.ACK.MESH.victim",
  "$JS.ACK.MESH.to-gamma",
  "$JS.ACK.root.ACC.MESH.to-gamma",
  "$JS.ACK.EVENTS_beta.root",
  "$JS.ACK.beta.ACC.EVENTS_beta.root",
  "$JS.ACK.alpha.ACC.EVENTS_beta.root",
  "$JS.ACK.alpha.MESH.victim.EVENTS_alpha.root",
].flatMap((source) => TAILS.map((tail) => `${source}.${tail}@${NOTIFY}`));
const OTHER = [
  "$JS.API.STREAM.DELETE.MESH",
  "$JS.API.STREAM.PURGE.MESH",
  "$JS.API.CONSUMER.DELETE.MESH.to-gamma",
  "link.beta.in.beta.desk.ui.notify.v1",
  "evt.beta.desk.ui.notify.v1",
  "$SYS.REQ.SERVER.PING",
];
const STATUSES = ["100 Idle Heartbeat", "404 No Messages", "408 Request Timeout", "409 Consumer Deleted"]
  .concat(["409 Batch Completed", "423 Nats-Wrong-Pin-Id", "503 x", "0 x", "abc", "-1 x", "1e9 x"])
  .concat([`409 ${"y".repeat(60_000)}`, "400 Bad Request"]);
const ACKS = ["null", "[]", "7", "{}", "{", '{"error":null}', '{"error":7}', '{"error":{"err_code":{}}}'];
const OFFERS = ["null", "[]", "{}", '{"next":-1}', '{"next":1e308}', '{"have":{}}', '{"refused":7}', "{"];

/** A valid event of alpha, or one of somebody that alpha has not. */
function eventOf(i: number, node = "kitchen"): Buffer {
  const envelope = envelopeOf({
    event_id: `EVT-20250923-162000-${i.toString(16).padStart(12, "0")}`,
    source: `daemon@${node}`,
    data: { text: "x" },
    ts: new Date().toISOString(),
  });
  return Buffer.from(JSON.stringify(envelope));
}

describe("a hostile hub", { timeout: 90_000 }, () => {
  let mesh: TestMesh;
  let root: NatsConnection;
  let desk: Bus;
  let leaf: HostileLeaf;
  const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
  const arrived = new Map<string, number>();
  const sent = new Map<string, number>();
  let clock: NodeJS.Timeout | undefined;
  const failures: unknown[] = [];
  let pid = 0;
  let rssBefore = 0;
  let answers = 0;
  /** What the hub does with a request for messages. */
  let onPull: (reply: string, batch: number) => void = () => undefined;
  let infoAnswer: () => string = () => "{}";

  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: MESH });
    // As a machine that has joined would have left it.
    const joined = join(mesh.state, "keys/alpha/leaf.joined");
    mkdirSync(dirname(joined), { recursive: true });
    writeFileSync(joined, `${nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey()}\n`);
    const applied = await mesh.ask(["policy", "apply", "--yes"]);
    expect(applied.code).toBe(0);
    root = (await mesh.openService("root")).nc;
    desk = await mesh.connect("beta/desk");
    const porch = await mesh.connect("gamma/porch");
    await porch.subscribe("ui.notify", { durable: "all", from: { subnet: "beta" } }, ({ event_id: id }) => {
      arrived.set(id, performance.now());
    });
    await victims();
    pid = mesh.pid("root");
    clock = setInterval(() => {
      const atMs = performance.now();
      desk.publish("ui.notify", { text: "calm" }).then(
        ({ eventId }) => sent.set(eventId, atMs),
        (thrown: unknown) => failures.push(thrown),
      );
    }, TICK_MS);
    await passed(3000);
    rssBefore = rssMiB();
    const { ports } = mesh.layout() as unknown as { ports: Record<string, { leafPort: number }> };
    leaf = await HostileLeaf.connect(ports["root"]?.leafPort ?? 0, "alpha", seed, onAsked);
  });
  afterAll(async () => {
    clearInterval(clock);
    leaf?.close();
    await root?.close();
    await mesh?.stop();
  });

  /** A durable of the root's stream with 20 events that somebody holds. */
  async function victims(): Promise<void> {
    const jsm = await root.jetstreamManager();
    const ids = await Promise.all(
      Array.from({ length: 20 }, () => desk.publish("ui.notify", { text: "held" })),
    );
    await until("they have crossed", () => ids.every(({ eventId }) => arrived.has(eventId)));
    await jsm.consumers.add("MESH", { durable_name: "victim", ack_policy: AckPolicy.All, ack_wait: 600e9 });
    const pulled = await (await root.jetstream().consumers.get("MESH", "victim")).fetch({ max_messages: 20 });
    for await (const _ of pulled) {
      // Held.
    }
  }

  function onAsked({ subject, reply, body }: Asked): void {
    if (reply === "") return;
    const answer = (body: string): void => {
      answers++;
      leaf.send(reply, { body });
    };
    if (subject.includes(".MSG.NEXT.")) onPull(reply, JSON.parse(body).batch);
    else if (subject.includes(".INFO.")) {
      // One is answered once: the rest is dropped by the root's server.
      for (let i = 0; i < 3; i++) answer(infoAnswer());
    } else if (subject.includes(".in.")) answer(ACKS[answers % ACKS.length] ?? "");
    else if (subject.endsWith(".registry")) answer(OFFERS[answers % OFFERS.length] ?? "");
    else answer("[]");
  }

  const deliver = (to: string, seq: number, more: Sent = {}): void =>
    leaf.send(to, {
      reply: `${OWN}.1.${seq}.${seq}.0.0@${NOTIFY}`,
      headers: PIN,
      body: eventOf(seq),
      ...more,
    });

  const passed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const rssMiB = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

  async function link(): Promise<{ ready: boolean; reason?: string; details: Record<string, number> }> {
    const { statusUrl } = JSON.parse(readFileSync(join(mesh.state, "run/root.json"), "utf8"));
    const { parts } = (await (await fetch(`${statusUrl}/status`)).json()) as {
      parts: Record<string, Awaited<ReturnType<typeof link>>>;
    };
    const found = parts["link up alpha"];
    if (found === undefined) throw new Error("no uplink of alpha");
    return found;
  }

  async function storedOf(subject: string): Promise<number> {
    const jsm = await root.jetstreamManager();
    const { state } = await jsm.streams.info("MESH", { subjects_filter: subject });
    return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
  }

  /** Time from publish to handler of what was published since, and how many have not arrived. */
  async function calm(fromMs: number): Promise<string> {
    await until("all have arrived", () => [...sent.keys()].every((id) => arrived.has(id)), 20_000);
    const tookMs = [...sent]
      .filter(([, atMs]) => atMs >= fromMs)
      .map(([id, atMs]) => (arrived.get(id) ?? Number.NaN) - atMs)
      .sort((a, b) => a - b);
    const at = (part: number): string => (tookMs[Math.floor(part * tookMs.length)] ?? Number.NaN).toFixed(1);
    return `${tookMs.length} between the others, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  }

  /** Whatever it did: the daemon is the one that was, nobody lost anything, nothing of anybody was touched. */
  async function expectUnharmed(what: string, fromMs: number): Promise<void> {
    const told = await calm(fromMs);
    const grownMiB = rssMiB() - rssBefore;
    process.stdout.write(`${what}: ${told}; root ${grownMiB.toFixed(0)} MiB larger; ${answers} answers\n`);
    expect(mesh.pid("root")).toBe(pid);
    expect(failures).toEqual([]);
    expect(leaf.error).toBeUndefined();
    expect(grownMiB).toBeLessThan(64);
    const jsm = await root.jetstreamManager();
    const { num_ack_pending: pending, ack_floor: floor } = await jsm.consumers.info("MESH", "victim");
    expect([pending, floor.stream_seq]).toEqual([20, 0]);
  }

  test("is not believed, whatever it answers", async () => {
    process.stdout.write(`nobody hostile: ${await calm(0)}\n`);
    const fromMs = performance.now();
    const infos = crafted();
    const kinds: ((to: string) => void)[] = [
      ...FOREIGN.map((reply) => (to: string) => leaf.send(to, { reply, headers: PIN, body: eventOf(1) })),
      ...OTHER.map((reply) => (to: string) => leaf.send(to, { reply, headers: PIN, body: "x" })),
      ...STATUSES.map((status) => (to: string) => leaf.send(to, { status })),
      ...TAILS.map(
        (tail) => (to: string) => leaf.send(to, { reply: `${OWN}.${tail}@${NOTIFY}`, body: "junk" }),
      ),
      (to) => leaf.send(to, { reply: `${OWN}.1.900.900.0.0@evt.beta.desk.ui.notify.v1`, body: eventOf(900) }),
      (to) =>
        leaf.send(to, { headers: "Nats-Pin-Id: \u0000\r\nno header\r\n", body: Buffer.from([0xff, 0]) }),
      (to) =>
        leaf.send(to, { headers: `Nats-Pin-Id: ${"p".repeat(50_000)}\r\n`, reply: `${OWN}.1.7.7.0.0@x` }),
    ];
    let next = 0;
    let info = 0;
    infoAnswer = () => infos[info++ % infos.length] ?? "";
    onPull = (to) => {
      // Some at a time, so that all are tried before it is heard no more.
      for (let i = 0; i < 6; i++) {
        answers++;
        kinds[next++ % kinds.length]?.(to);
      }
      // Something is missing always: the state is asked for.
      deliver(to, 1000 + next * 2);
    };
    await until("all were tried", () => next > kinds.length, 30_000);
    await until("states too", () => info > 60 || performance.now() - fromMs > 8000, 30_000);
    expect(infos.length + kinds.length + ACKS.length + OFFERS.length).toBeGreaterThan(200);
    await expectUnharmed("crafted answers", fromMs);
    expect(await storedOf("evt.beta.>")).toBeGreaterThan(0);
  });

  test("gets no member across that it has not, and no more events than it may", async () => {
    const fromMs = performance.now();
    const firstSeq = 10_000_000;
    let seq = firstSeq;
    let extra = 0;
    infoAnswer = () =>
      JSON.stringify({
        created: "2026-02-02T00:00:00Z",
        delivered: { consumer_seq: seq, stream_seq: seq },
        // It gives nothing a second time: whatever it was, it is done.
        ack_floor: { stream_seq: seq },
        num_ack_pending: 0,
      });
    onPull = (to, batch) => {
      for (let i = 0; i < batch; i++) {
        const stranger = `${OWN}.1.${seq + 1}.${seq + 1}.0.0@evt.alpha.nobody.ui.notify.v1`;
        if (seq % 10 === 0) deliver(to, ++seq, { reply: stranger, body: eventOf(seq, "nobody") });
        else deliver(to, ++seq);
      }
      // As many more as do not show as a flood.
      if (extra++ / ((performance.now() - fromMs) / 1000) < 50) deliver(to, seq + 1);
    };
    await until("some have crossed", async () => (await storedOf("evt.alpha.kitchen.>")) > LIMIT, 20_000);
    const sinceMs = performance.now();
    const start = await storedOf("evt.alpha.kitchen.>");
    await passed(4000);
    const rate = ((await storedOf("evt.alpha.kitchen.>")) - start) / ((performance.now() - sinceMs) / 1000);
    process.stdout.write(
      `${seq - firstSeq} sent, ${start} stored at first, then ${rate.toFixed(0)} a second\n`,
    );
    expect(rate).toBeLessThan(1.3 * LIMIT);
    expect(await storedOf("evt.alpha.nobody.>")).toBe(0);
    expect((await link()).details["refused"]).toBeGreaterThan(0);
    await expectUnharmed("more than it may", fromMs);
  });

  test("is heard no more when it floods, says so, and fills nobody's memory", async () => {
    const fromMs = performance.now();
    let floods = 0;
    let sentMiB = 0;
    onPull = (to) => {
      if (floods++ > 40 || leaf.backlog > 64e6) return;
      // Behind a gap in the numbers: none may be handed over.
      for (let i = 0; i < 30; i++) {
        const seq = 1_000_000 + floods * 1000 + i * 2;
        leaf.send(to, { reply: `${OWN}.1.${seq}.${seq}.0.0@${NOTIFY}`, headers: PIN, body: MEGABYTE });
        sentMiB++;
      }
      for (let i = 0; i < 2000; i++) leaf.send(to, { reply: `junk.${i}`, body: "junk" });
    };
    let peakMiB = 0;
    await until(
      "it is paused",
      async () => {
        peakMiB = Math.max(peakMiB, rssMiB() - rssBefore);
        return (await link()).reason?.includes("not asked for") === true;
      },
      40_000,
    );
    await until("time has passed", () => {
      peakMiB = Math.max(peakMiB, rssMiB() - rssBefore);
      return performance.now() - fromMs > 8000;
    });
    const { details } = await link();
    process.stdout.write(
      `${sentMiB} MB sent, peak ${peakMiB.toFixed(0)} MiB, ${details["unasked"]} unasked\n`,
    );
    expect(details["unasked"]).toBeGreaterThan(100);
    await expectUnharmed("a flood", fromMs);
  });
});
