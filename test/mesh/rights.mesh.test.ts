import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Bus } from "@adaos/client";
import { type MemberFile, readNodeFile, readSeed, runFilePath } from "@adaos/config";
import { type Logger, newEventId } from "@adaos/core";
import {
  type ConsumerInfo,
  connect,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  headers as newHeaders,
  nkeyAuthenticator,
  type PubAck,
} from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BareClient } from "../kit/bare-client.ts";
import { HOME, TestMesh, until } from "../kit/mesh.ts";
import { filterMatches } from "../kit/nats-wildcards.ts";

/*
 * What the servers enforce against somebody who holds a key and speaks NATS without our client: every attack here goes
 * over a bare connection. Each must be refused, store nothing, and bring nothing back.
 */

/** The default mesh, with an event that alpha keeps to itself, and a third subnet of a few lines. */
const MESH = readFileSync(join(HOME, "deploy/mesh.yaml"), "utf8")
  .replace("publish: [nlp., ui., scenario.]", "publish: [nlp., ui., scenario., timer.]")
  .replace("subscribe: [nlp., ui.]", 'subscribe: ["*"]')
  .replace(
    "desk: { publish: [ui., scenario.], subscribe: [nlp., ui.]",
    'desk: { publish: [ui.], subscribe: ["*"]',
  )
  .concat(`
  gamma:
    export: [ui.]
    import: [ui., scenario.]
    members:
      porch: { publish: [ui.], subscribe: ["*"] }
`);
const SUBNETS = ["alpha", "beta", "gamma"];
/** What daemons publish of attacks, starts, links and dead letters: it changes what is stored, as it shall. */
const OWN_EVENT = /\.(mesh\.(policy|node|link|delivery)|system\.boot)\.[a-z_]+\.v1$/;

/** Refusals are what is wanted here; nobody needs to read of them. */
const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const tally = { tried: 0, through: [] as string[] };

/** Counts an attack and keeps what it was when it got through. */
function count(what: string, gotThrough: boolean): void {
  tally.tried++;
  if (gotThrough) tally.through.push(what);
}

let mesh: TestMesh;
let kitchen: BareClient;
let root: BareClient;
const managers = new Map<string, JetStreamManager>();
const clients: BareClient[] = [];
/** Ids of the events that a member's handler saw, in order. */
const seen = new Map<string, string[]>();
const buses = new Map<string, Bus>();
/** Ids of the events that break no rule: all that a handler may ever see. */
const good = new Set<string>();

beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: MESH });
  const { config, path } = readNodeFile(join(mesh.state, "nodes/alpha/kitchen.json"), "member") as {
    config: MemberFile;
    path: (file: string) => string;
  };
  kitchen = await open("alpha", readSeed(path(config.server.seedFile)), "_INBOX_kitchen");
  for (const of of [...SUBNETS, "root"]) {
    const keeper = await open(of, readSeed(mesh.server(of).seedFile), `_INBOX_${of}`);
    managers.set(of, await keeper.nc.jetstreamManager());
    if (of === "root") root = keeper;
  }
  for (const member of ["alpha/speaker", "beta/desk", "gamma/porch"]) {
    const bus = await mesh.connect(member, { log: SILENT });
    const ids: string[] = [];
    buses.set(member, bus);
    seen.set(member, ids);
    // Without marks: those of the daemons' own events would count as changes.
    await bus.subscribe("*", { durable: "watch", idempotency: "off" }, ({ event_id, event_name }) => {
      if (!OWN_EVENT.test(`.${event_name}.v1`)) ids.push(event_id);
    });
  }
});

afterAll(async () => {
  console.log(`attacks tried: ${tally.tried}, got through: ${tally.through.length}`);
  await Promise.all(clients.map(({ nc }) => nc.close()));
  await mesh?.stop();
});

async function open(of: string, seed: string, inboxPrefix: string): Promise<BareClient> {
  const client = await BareClient.open(mesh.server(of).url, seed, inboxPrefix);
  clients.push(client);
  return client;
}

function found<Value>(map: ReadonlyMap<string, Value>, key: string): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error(`nothing for ${key}`);
  return value;
}

interface StreamState {
  readonly consumers: readonly { readonly unsettled: number }[];
}

/** Everything that an attack could change on a server: its streams, what they hold, and how far each consumer is. */
async function storedOn(of: string): Promise<StreamState[]> {
  const jsm = found(managers, of);
  const streams: (StreamState & Record<string, unknown>)[] = [];
  for await (const { config, created } of jsm.streams.list()) {
    const { state } = await jsm.streams.info(config.name, { subjects_filter: ">" });
    const told = Object.entries(state.subjects ?? {}).filter(([subject]) => OWN_EVENT.test(subject));
    const countOf = (some: typeof told): number => some.reduce((sum, [, count]) => sum + count, 0);
    const own = countOf(told);
    const consumers = [];
    for await (const info of jsm.consumers.list(config.name)) {
      const { name, created: made, config: settings, delivered } = info;
      const unsettled = info.num_pending + info.num_ack_pending;
      const filters = settings.filter_subjects ?? [settings.filter_subject ?? ">"];
      const heard = told.filter(([subject]) => filters.some((filter) => filterMatches(filter, subject)));
      const handed = delivered.consumer_seq - countOf(heard);
      consumers.push({ name, made, settings, delivered: handed, unsettled });
    }
    const { messages, first_seq, last_seq } = state;
    const counted = { messages: messages - own, first_seq, last_seq: last_seq - own };
    // The members' daemons write their numbers when they will.
    const held = config.name.startsWith("METRICS_") ? {} : counted;
    streams.push({ config, created, ...held, consumers });
  }
  return streams;
}

async function storedEverywhere(): Promise<Record<string, StreamState[]>> {
  const servers = [...managers.keys()].map(async (of) => [of, await storedOn(of)] as const);
  return Object.fromEntries(await Promise.all(servers));
}

/** Waits until every event has been settled by whoever takes it, so that a later difference is an attack's doing. */
async function settledState(): Promise<unknown> {
  let state: Record<string, StreamState[]> = {};
  await until("every event is settled", async () => {
    state = await storedEverywhere();
    const consumers = Object.values(state).flatMap((streams) =>
      streams.flatMap((stream) => stream.consumers),
    );
    return consumers.every(({ unsettled }) => unsettled === 0);
  });
  return state;
}

/** Expects that nothing has changed. A denial that is just being told is in one number before it is in the other. */
async function expectUnchanged(before: unknown): Promise<void> {
  let now: unknown;
  const isSo = async (): Promise<boolean> => {
    now = await settledState();
    return isDeepStrictEqual(now, before);
  };
  await until("nothing has changed", isSo, 5000).catch(() => undefined);
  expect(now).toEqual(before);
}

async function lastSeq(of: string, stream: string): Promise<number> {
  return (await found(managers, of).streams.info(stream)).state.last_seq;
}

function envelope(changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    event_id: newEventId(Date.now()),
    event_name: "ui.notify",
    version: 1,
    kind: "event",
    ts: new Date().toISOString(),
    source: "app@kitchen",
    correlation_id: "attack",
    tenant: "default",
    headers: {},
    data: { text: "Tea is ready" },
    ...changes,
  });
}

/** An envelope that may be handled. */
function goodEnvelope(changes: Readonly<Record<string, unknown>> = {}): { eventId: string; body: string } {
  const eventId = newEventId(Date.now());
  good.add(eventId);
  return { eventId, body: envelope({ event_id: eventId, ...changes }) };
}

const NOTIFY = "evt.alpha.kitchen.ui.notify.v1";

/** Publishes over the bare connection and gives back the server's answer. */
async function store(
  subject: string,
  body: string | Uint8Array,
  fields: Record<string, string> = {},
): Promise<PubAck> {
  const headers = newHeaders();
  for (const [key, value] of Object.entries(fields)) headers.set(key, value);
  const answer = await kitchen.nc.request(subject, body, { headers, timeout: 10_000 });
  return answer.json<PubAck>();
}

/** Ids that handlers saw and should not have. */
function strangers(): string[] {
  return [...seen.values()].flat().filter((id) => !good.has(id));
}

/**
 * Publishes an event that breaks no rule from the attacker's connection and waits until all subnets have handled it.
 * Whatever came before it has been dealt with then, since links and consumers keep the order.
 */
async function expectGoodPublish(): Promise<void> {
  const before = await lastSeq("alpha", "EVENTS_alpha");
  const { eventId, body } = goodEnvelope();
  const { stream, seq } = await store(NOTIFY, body);
  // An event of a daemon may come between.
  expect([stream, seq > before]).toEqual(["EVENTS_alpha", true]);
  for (const [member, ids] of seen) {
    await until(`${member} has handled ${eventId}`, () => ids.includes(eventId));
  }
  expect(strangers()).toEqual([]);
}

async function expectLinksReady(): Promise<void> {
  await until("all links are ready", async () => {
    const links = Object.entries(await rootParts()).filter(([name]) => name.startsWith("link "));
    return links.length === 2 * SUBNETS.length && links.every(([, { ready }]) => ready);
  });
}

interface LinkHealth {
  readonly ready: boolean;
  readonly details?: { readonly refused?: number };
}

async function rootParts(): Promise<Record<string, LinkHealth>> {
  const run = JSON.parse(readFileSync(runFilePath(mesh.state, "root"), "utf8")) as { statusUrl: string };
  const response = await fetch(`${run.statusUrl}/status`);
  return ((await response.json()) as { parts: Record<string, LinkHealth> }).parts;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** A publish without the right to it. */
type Attack = readonly [subject: string, body?: string];

/** Publishes to each subject and expects a refusal of the server for each, no answer, and nothing stored anywhere. */
async function expectPublishesRefused(attacks: readonly Attack[]): Promise<void> {
  const before = await settledState();
  const { received } = kitchen;
  kitchen.refused.length = 0;
  const reply = `_INBOX_kitchen.${newEventId(Date.now())}`;
  const answers = kitchen.nc.subscribe(reply);
  for (const [subject, body = ""] of attacks) kitchen.nc.publish(subject, body, { reply });
  await kitchen.nc.flush();
  const all = (): boolean => kitchen.refused.length >= attacks.length;
  await until("the server has refused", all, 5000).catch(() => undefined);
  const missing = missingRefusals(attacks);
  for (const [subject] of attacks) count(`publish ${subject}`, missing.includes(subject));
  expect(missing).toEqual([]);
  expect(kitchen.received).toBe(received);
  await expectUnchanged(before);
  answers.unsubscribe();
}

/** Subjects of the attacks that the server has not refused one by one. */
function missingRefusals(attacks: readonly Attack[]): string[] {
  const refused = kitchen.refused
    .filter(({ operation }) => operation === "publish")
    .map(({ subject }) => subject);
  return attacks.flatMap(([subject]) => {
    const at = refused.indexOf(subject);
    if (at < 0) return [subject];
    refused.splice(at, 1);
    return [];
  });
}

describe("a key", () => {
  test("opens the server it is for and no other, and a leaf's key opens none", async () => {
    const keys = readdirSync(join(mesh.state, "keys"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".nk"))
      .map((file) => file.slice(0, -".nk".length));
    expect(keys).toEqual(expect.arrayContaining(["alpha/leaf", "alpha/members/kitchen", "root/daemon"]));
    for (const of of [...SUBNETS, "root"]) {
      const opened = await Promise.all(keys.map((key) => opensServer(key, mesh.server(of).url)));
      const wanted = keys.map((key) => key.startsWith(`${of}/`) && !key.endsWith("/leaf"));
      for (const [i, key] of keys.entries())
        if (wanted[i] === false) count(`${key} at ${of}`, opened[i] === true);
      expect(keys.filter((_, i) => opened[i])).toEqual(keys.filter((_, i) => wanted[i]));
    }
  });

  test("is needed, and is no use at the port where hubs dial in", async () => {
    const { leafPort } = (JSON.parse(readFileSync(join(mesh.state, "mesh.json"), "utf8")) as LayoutPorts)
      .ports.root;
    const attempts = [
      ...["alpha", "root"].map((of) => connect({ servers: mesh.server(of).url, reconnect: false })),
      ...["alpha/leaf", "alpha/members/kitchen", "root/daemon"].map((key) =>
        dial(key, `127.0.0.1:${leafPort}`),
      ),
    ];
    for (const [i, { status }] of (await Promise.allSettled(attempts)).entries()) {
      count(`connection ${i}`, status === "fulfilled");
      expect(status).toBe("rejected");
    }
  });
});

interface LayoutPorts {
  readonly ports: { readonly root: { readonly leafPort: number } };
}

function dial(key: string, servers: string): Promise<NatsConnection> {
  const seed = readSeed(join(mesh.state, "keys", `${key}.nk`));
  const authenticator = nkeyAuthenticator(new TextEncoder().encode(seed));
  return connect({ servers, authenticator, reconnect: false, timeout: 5000 });
}

async function opensServer(key: string, url: string): Promise<boolean> {
  let opened = false;
  await until(`the server at ${url} says whom it lets in`, async () => {
    try {
      await (await dial(key, url)).close();
      opened = true;
    } catch (thrown) {
      // It may hang up before it has said why.
      if (!(thrown instanceof NatsError)) return false;
      expect(thrown.code).toBe("AUTHORIZATION_VIOLATION");
    }
    return true;
  });
  return opened;
}

describe("a member", () => {
  test("publishes under its own name and prefixes only", async () => {
    const subjects = words(`
      evt.alpha.kitchen.repo.x.y.v1 evt.alpha.kitchen.mesh.link.up.v1 evt.alpha.kitchen.uix.notify.v1
      evt.alpha.kitchen.ui evt.alpha.kitchen.ui.v1 evt.alpha.kitchen.ui.notify evt.alpha.kitchen2.ui.notify.v1
      evt.alpha.speaker.ui.notify.v1 evt.alpha.hub.ui.notify.v1 evt.beta.desk.ui.notify.v1 evt.beta.kitchen.ui.notify.v1
      evt.alpha.*.ui.notify.v1 evt.*.kitchen.ui.notify.v1 evt.alpha.kitchen.*.notify.v1 evt.alpha.> evt.> evt >
    `);
    await expectPublishesRefused(
      subjects.map((subject): Attack => [subject, envelope({ source: "app@speaker" })]),
    );
    await expectGoodPublish();
  });

  test("reaches nothing but its hub's stream: not the bridge, not the root, not another's inbox", async () => {
    const events = words(`
      ingest.alpha.kitchen.ui.notify.v1 ingest.alpha.speaker.ui.notify.v1 ingest.beta.desk.ui.notify.v1
      link.alpha.in.beta.desk.ui.notify.v1 link.beta.in.alpha.kitchen.ui.notify.v1
    `);
    const requests = words(`
      link.alpha.CONSUMER.INFO.EVENTS_alpha.root link.alpha.CONSUMER.MSG.NEXT.EVENTS_alpha.root
      _INBOX_speaker.x _INBOX_hub.x _INBOX_kitchen.x _INBOX.x _R_.x
      $SYS.REQ.SERVER.PING $SYS.REQ.USER.INFO $SYS.REQ.ACCOUNT.SUBNET.CONNZ $SYS.ACCOUNT.SUBNET.DISCONNECT
    `);
    const durables = words(
      "svc.hub.speaker.durable svc.hub.hub.durable svc.hub.*.durable svc.hub.speaker.reply svc.hub.speaker.handlers",
    );
    await expectPublishesRefused([
      ...events.map((subject): Attack => [subject, envelope()]),
      ...requests.map((subject): Attack => [subject, "{}"]),
      ...durables.map((subject): Attack => [subject, durableRequest("theft", "ui.")]),
    ]);
    await expectGoodPublish();
  });

  test("has no JetStream API, nor another's durable", async () => {
    const config = { durable_name: "theft", ack_policy: "explicit", filter_subject: "evt.>" };
    const create = JSON.stringify({ stream_name: "EVENTS_alpha", config });
    const push = JSON.stringify({
      stream_name: "EVENTS_alpha",
      config: { deliver_subject: "_INBOX_kitchen.p" },
    });
    const api: Attack[] = [
      ...words(`
        INFO META.LEADER.STEPDOWN STREAM.NAMES STREAM.LIST STREAM.INFO.EVENTS_alpha STREAM.PURGE.EVENTS_alpha
        STREAM.DELETE.EVENTS_alpha STREAM.LEADER.STEPDOWN.EVENTS_alpha STREAM.RESTORE.THEFT CONSUMER.NAMES.EVENTS_alpha
        CONSUMER.LIST.EVENTS_alpha CONSUMER.DELETE.EVENTS_alpha.kitchen_journal-ui
        DIRECT.GET.EVENTS_alpha.evt.alpha.speaker.ui.notify.v1
      `).map((call): Attack => [call]),
      ["STREAM.CREATE.THEFT", JSON.stringify({ name: "THEFT", subjects: ["theft.>"] })],
      ["STREAM.UPDATE.EVENTS_alpha", JSON.stringify({ name: "EVENTS_alpha", subjects: ["theft.>"] })],
      ["STREAM.SNAPSHOT.EVENTS_alpha", '{"deliver_subject":"_INBOX_kitchen.s"}'],
      ["STREAM.PEER.REMOVE.EVENTS_alpha", '{"peer":"hub-alpha"}'],
      ["STREAM.MSG.GET.EVENTS_alpha", '{"seq":1}'],
      ["STREAM.MSG.DELETE.EVENTS_alpha", '{"seq":1}'],
      ["DIRECT.GET.EVENTS_alpha", '{"seq":1}'],
      ["DIRECT.GET.DONE_alpha_speaker", '{"seq":1}'],
      ["DIRECT.GET.DONE_alpha_speaker", '{"multi_last":["done.>"]}'],
      ["CONSUMER.CREATE.EVENTS_alpha", push],
      ["CONSUMER.CREATE.EVENTS_alpha.theft", create],
      ["CONSUMER.CREATE.EVENTS_alpha.theft.evt.>", create],
      ["CONSUMER.CREATE.EVENTS_alpha.kitchen_theft.evt.*.*.ui.>", create],
      ["CONSUMER.DURABLE.CREATE.EVENTS_alpha.theft", create],
      ["CONSUMER.DURABLE.CREATE.EVENTS_alpha.root", create],
    ];
    for (const consumer of ["speaker_journal", "speaker_watch", "root", "*"]) {
      const calls = words("INFO MSG.NEXT DELETE RESET LEADER.STEPDOWN");
      api.push(...calls.map((call): Attack => [`CONSUMER.${call}.EVENTS_alpha.${consumer}`]));
      api.push([`CONSUMER.PAUSE.EVENTS_alpha.${consumer}`, '{"pause_until":"2099-01-01T00:00:00Z"}']);
      api.push([`CONSUMER.UNPIN.EVENTS_alpha.${consumer}`, '{"group":"link"}']);
    }
    await expectPublishesRefused([
      ...api.map(([call, ...body]): Attack => [`$JS.API.${call}`, ...body]),
      ...api.map(([call, ...body]): Attack => [`$JS.alpha.API.${call}`, ...body]),
      ["$JS.root.API.STREAM.INFO.MESH"],
      ["$JS.FC.EVENTS_alpha.root.x"],
    ]);
    await expectGoodPublish();
  });

  test("acknowledges only its own deliveries, in either form of the subject", async () => {
    const steal = '+NXT {"batch":10}';
    const attacks = ["root", "speaker_journal", "speaker_watch", "*"].flatMap((consumer): Attack[] => [
      [`$JS.ACK.EVENTS_alpha.${consumer}.1.1.1.1.0`, "+ACK"],
      [`$JS.ACK.EVENTS_alpha.${consumer}.1.2.2.1.0`, steal],
      [`$JS.ACK.alpha.hash.EVENTS_alpha.${consumer}.1.1.1.1.0`, steal],
      [`$JS.ACK._.hash.EVENTS_alpha.${consumer}.1.1.1.1.0`, steal],
      // One form read as the other: consumer of the victim in front, our own where rights would look for it.
      [`$JS.ACK.EVENTS_alpha.${consumer}.EVENTS_alpha.kitchen_journal-ui.1.2.3`, steal],
      [`$JS.ACK.EVENTS_alpha.${consumer}.alpha.x.EVENTS_alpha.kitchen_journal-ui.1.1`, steal],
    ]);
    await expectPublishesRefused(attacks);
    await expectGoodPublish();
  });

  test("subscribes to its own inbox only", async () => {
    const subjects = words(`
      > *.> evt.> evt.alpha.kitchen.> ${NOTIFY} _INBOX.> _INBOX_*.> _INBOX_speaker.> _INBOX_hub.> _INBOX_kitchen2.>
      _R_.> $SYS.> $JS.> $JS.API.> $JS.ACK.> $JS.EVENT.ADVISORY.> svc.> svc.hub.*.durable svc.hub.kitchen.durable got.> got.near.alpha.speaker.> rpy.>
      ingest.> link.>
    `);
    const before = await settledState();
    for (const subject of subjects) kitchen.nc.subscribe(subject, { callback: () => undefined });
    kitchen.nc.subscribe("evt.beta.>", { queue: "q", callback: () => undefined });
    await kitchen.nc.flush();
    const all = [...subjects, "evt.beta.>"];
    const refused = (subject: string): boolean => kitchen.hasRefused("subscription", subject);
    await until("the server has refused", () => all.every(refused), 5000).catch(() => undefined);
    for (const subject of all) count(`subscribe ${subject}`, !refused(subject));
    expect(all.filter((subject) => !refused(subject))).toEqual([]);
    await expectUnchanged(before);
    const received = kitchen.received;
    const { eventId } = await found(buses, "alpha/speaker").publish("ui.notify", { text: "private" });
    good.add(eventId);
    await until("the event has crossed", () => found(seen, "gamma/porch").includes(eventId));
    await kitchen.nc.flush();
    expect(kitchen.received).toBe(received);
    await expectGoodPublish();
  });

  test("is given a durable only within its policy, by an answer that names the rule", async () => {
    const before = await settledState();
    for (const pattern of ["nlp.", "nlp.intent.detected", "nlp.intent.detected@1", "*", "scenario.", "u."]) {
      const { error } = await askDurable(durableRequest("theft", pattern));
      count(`durable for ${pattern}`, error?.code !== "denied");
      expect(error).toEqual({ code: "denied", rule: "default-deny", message: expect.any(String) as string });
      expect(error?.message).toContain(`alpha/kitchen may not subscribe ${pattern}`);
    }
    for (const request of [
      durableRequest("theft.>", "ui."),
      durableRequest("*", "ui."),
      durableRequest("", "ui."),
      durableRequest("../speaker_watch", "ui."),
      durableRequest("theft", "ui.>"),
      durableRequest("theft", ">"),
      durableRequest("theft", "evt.>"),
      durableRequest("theft", "ui.", { from: { node: "*" } }),
      durableRequest("theft", "ui.", { from: { subnet: "beta.desk.nlp" } }),
      durableRequest("theft", "ui.", { filter_subject: "evt.>" }),
      durableRequest("theft", "ui.", { deliver_subject: "evt.alpha.speaker.ui.notify.v1" }),
      durableRequest("theft", "ui.", { maxAckPending: 1e9 }),
      durableRequest("theft", "ui.", { maxAckPending: 0 }),
      durableRequest("theft", "ui.", { startAt: "yesterday" }),
      "not json",
      "null",
      "",
      "[".repeat(100_000),
    ]) {
      const { error } = await askDurable(request);
      count(`durable by ${request.slice(0, 200)}`, error === undefined);
      expect(error?.code).toBe("usage");
    }
    await expectUnchanged(before);
    await expectGoodPublish();
  });

  test("stores none of a batch that holds one event of another's", async () => {
    const before = await settledState();
    const subjects = [NOTIFY, "evt.alpha.speaker.ui.notify.v1", NOTIFY];
    const headersAt = (i: number): Record<string, string> => ({
      "Nats-Batch-Id": "attack",
      "Nats-Batch-Sequence": String(i + 1),
      ...(i === subjects.length - 1 ? { "Nats-Batch-Commit": "1" } : {}),
    });
    for (const [i, subject] of subjects.slice(0, -1).entries()) {
      const headers = newHeaders();
      for (const [key, value] of Object.entries(headersAt(i))) headers.set(key, value);
      kitchen.nc.publish(subject, envelope(), { headers });
    }
    const ack = await store(NOTIFY, envelope(), headersAt(subjects.length - 1));
    count("batch with another's event", !("error" in ack));
    expect(ack).toHaveProperty("error");
    await expectUnchanged(before);
    await expectGoodPublish();
  });

  test("cannot have an answer sent where it may not publish", async () => {
    const asked = await askDurable(durableRequest("reply", "ui.notify", { maxAckPending: 100 }));
    expect(asked).toMatchObject({ consumer: "kitchen_reply" });
    const targets = words(`
      evt.alpha.speaker.ui.notify.v1 evt.beta.desk.ui.notify.v1 ${NOTIFY} ingest.beta.desk.ui.notify.v1
      svc.hub.speaker.durable $JS.API.CONSUMER.DELETE.EVENTS_alpha.root $JS.API.STREAM.PURGE.EVENTS_alpha
      $JS.API.STREAM.DELETE.EVENTS_alpha $JS.alpha.API.STREAM.DELETE.EVENTS_alpha
    `);
    for (const target of targets) await attackByReply(target);
    await found(managers, "alpha").consumers.delete("EVENTS_alpha", "kitchen_reply");
    await expectGoodPublish();
    await expectLinksReady();
  });
});

function durableRequest(
  durable: string,
  pattern: string,
  more: Readonly<Record<string, unknown>> = {},
): string {
  const request = { durable, pattern, from: {}, maxAckPending: 10, startAt: "new", answers: false };
  return JSON.stringify({ ...request, ...more });
}

interface DurableAnswer {
  readonly consumer?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly rule?: string };
}

async function askDurable(request: string): Promise<DurableAnswer> {
  const answer = await kitchen.nc.request("svc.hub.kitchen.durable", request, { timeout: 10_000 });
  return answer.json<DurableAnswer>();
}

const PULL = JSON.stringify({ batch: 1, expires: 5e9 });

/** Uses every request that a member is allowed, each with `target` as its reply subject. */
async function attackByReply(target: string): Promise<void> {
  const { nc } = kitchen;
  const jsm = found(managers, "alpha");
  const next = "$JS.API.CONSUMER.MSG.NEXT.EVENTS_alpha.kitchen_reply";
  const durable = (): Promise<ConsumerInfo> => jsm.consumers.info("EVENTS_alpha", "kitchen_reply");
  const ask = (subject: string, body: string): void => nc.publish(subject, body, { reply: target });
  const first = (await lastSeq("alpha", "EVENTS_alpha")) + 1;
  // Without a message id, so that no duplicate window hides a second copy.
  ask(NOTIFY, goodEnvelope().body);
  ask("$JS.API.CONSUMER.INFO.EVENTS_alpha.kitchen_reply", "");
  ask("svc.hub.kitchen.durable", durableRequest("reply", "ui.notify", { maxAckPending: 100 }));
  ask("svc.hub.kitchen.durable", "not json");
  // A message delivered there would be stored anew, as if its origin had published it again.
  const { delivered } = await durable();
  ask(next, PULL);
  const deliveredSeq = async (): Promise<number> => (await durable()).delivered.consumer_seq;
  await until("it is delivered", async () => (await deliveredSeq()) > delivered.consumer_seq);
  // The answer to an acknowledgement is empty, as the request that deletes a stream is.
  await store(NOTIFY, goodEnvelope().body);
  const pulled = await nc.request(next, PULL, { timeout: 10_000, noMux: true });
  const { num_ack_pending: held } = await durable();
  for (const word of ["+WPI", "+ACK"]) ask(pulled.reply ?? "", word);
  await until("it is acknowledged", async () => (await durable()).num_ack_pending < held);
  await store(NOTIFY, goodEnvelope().body);
  const subjects = await subjectsFrom(first);
  count(`answers to ${target}`, subjects.join(" ") !== `${NOTIFY} ${NOTIFY} ${NOTIFY}`);
  expect(subjects).toEqual([NOTIFY, NOTIFY, NOTIFY]);
}

/** Subjects of what alpha has stored, from this sequence number on. */
async function subjectsFrom(first: number): Promise<string[]> {
  const subjects = [];
  for (let seq = first; seq <= (await lastSeq("alpha", "EVENTS_alpha")); seq++) {
    const { subject } = await found(managers, "alpha").streams.getMessage("EVENTS_alpha", { seq });
    // The hub tells again of what it has denied whenever its time has come.
    if (!OWN_EVENT.test(subject)) subjects.push(subject);
  }
  return subjects;
}

describe("the root daemon's key", () => {
  test("reaches the bridge services of a hub and nothing else of it", async () => {
    const bridged = await answerToRoot("link.alpha.CONSUMER.INFO.EVENTS_alpha.root");
    expect(bridged).toContain('"name":"root"');
    const before = await settledState();
    const once = JSON.stringify({ batch: 1, no_wait: true });
    const create = JSON.stringify({ stream_name: "EVENTS_alpha", config: { ack_policy: "explicit" } });
    const api: Attack[] = [
      ...words(`
        STREAM.INFO.EVENTS_alpha STREAM.PURGE.EVENTS_alpha STREAM.DELETE.EVENTS_alpha CONSUMER.LIST.EVENTS_alpha
        CONSUMER.DELETE.EVENTS_alpha.root CONSUMER.INFO.EVENTS_alpha.speaker_watch
      `).map((call): Attack => [call]),
      ["STREAM.MSG.GET.EVENTS_alpha", '{"seq":1}'],
      ["DIRECT.GET.EVENTS_alpha", '{"seq":1}'],
      ["CONSUMER.CREATE.EVENTS_alpha", create],
      ["CONSUMER.CREATE.EVENTS_alpha.theft", create],
      ["CONSUMER.CREATE.EVENTS_alpha.root.evt.>", create],
      ["CONSUMER.DURABLE.CREATE.EVENTS_alpha.root", create],
      ["CONSUMER.MSG.NEXT.EVENTS_alpha.speaker_watch", once],
    ];
    const attacks: Attack[] = [
      ...["link.alpha", "$JS.alpha.API", "$JS.API"].flatMap((prefix) =>
        api.map(([call, ...body]): Attack => [`${prefix}.${call}`, ...body]),
      ),
      // Without a stream's name the last of the three asks the root's own JetStream, which may answer.
      ...words("link.alpha.INFO $JS.alpha.API.INFO $JS.alpha.API.STREAM.NAMES").map((call): Attack => [call]),
      ["link.alpha.evt.alpha.kitchen.ui.notify.v1", envelope()],
      ["link.alpha.ingest.beta.desk.ui.notify.v1", envelope()],
      ["ingest.beta.desk.ui.notify.v1", envelope()],
      ["svc.hub.kitchen.durable", durableRequest("theft", "ui.")],
      ["link.alpha.svc.hub.kitchen.durable", durableRequest("theft", "ui.")],
      ["$JS.ACK.EVENTS_alpha.speaker_watch.1.1.1.1.0", `+NXT ${once}`],
      ["$JS.ACK.EVENTS_alpha.speaker_watch.EVENTS_alpha.root.1.2.3", `+NXT ${once}`],
      ["$JS.ACK.alpha.x.EVENTS_alpha.speaker_watch.1.1.1.1.0", `+NXT ${once}`],
      ["_INBOX_kitchen.x", "x"],
    ];
    const answers = await Promise.all(attacks.map(([subject, body]) => answerToRoot(subject, body)));
    for (const [i, [subject]] of attacks.entries()) count(`root to ${subject}`, answers[i] !== undefined);
    expect(attacks.filter((_, i) => answers[i] !== undefined)).toEqual([]);
    await expectUnchanged(before);
    await expectGoodPublish();
    await expectLinksReady();
  });
});

/** What comes back, or nothing when nobody takes the request or it is refused. */
async function answerToRoot(subject: string, body = ""): Promise<string | undefined> {
  try {
    const answer = await root.nc.request(subject, body, { timeout: 2000, noMux: true });
    const text = `${answer.headers?.status ?? ""}${answer.string()}`;
    return text.includes('"error":') ? undefined : text;
  } catch (thrown) {
    if (thrown instanceof NatsError && ["TIMEOUT", "503"].includes(thrown.code)) return undefined;
    throw thrown;
  }
}

/** A message that a member may store, and that nobody may take for an event. */
interface Forgery {
  readonly what: string;
  readonly subject?: string;
  readonly body: string | Uint8Array;
  /** Only a node that knows the schemas can tell: links, which do not, carry it. */
  readonly passesLinks?: true;
}

function forgedFields(): Forgery[] {
  const changes: Record<string, unknown>[] = [
    { source: "app@speaker" },
    { source: "app@desk" },
    { source: "app@speaker@kitchen" },
    { source: "kitchen" },
    { source: 7 },
    { event_name: "ui.confirm" },
    { event_name: "ui.>" },
    { version: 2 },
    { version: "1" },
    { version: 1.5 },
    { event_id: undefined },
    { event_id: "EVT-1" },
    { event_id: "EVT-20250923-162000-abcdef'; --" },
    { kind: "order" },
    { ts: "yesterday" },
    { ts: "2025-13-45T99:00:00Z" },
    { ts: "2025-09-23T16:20:00" },
    { correlation_id: "" },
    { causation_id: 7 },
    { tenant: "x".repeat(300) },
    { headers: ["a"] },
    { headers: { a: 1 } },
    { headers: null },
    { data: undefined },
    { extra: true },
  ];
  return changes.map((change) => ({ what: JSON.stringify(change), body: envelope(change) }));
}

function forgedBodies(): Forgery[] {
  const valid = envelope();
  const text = (body: string): Forgery => ({ what: `body ${body.slice(0, 40)}`, body });
  return [
    ...["", "null", "42", '"text"', "[]", "{}", "not json", "\0", valid.slice(0, -1), `${valid}x`].map(text),
    { what: "byte order mark", body: `\uFEFF${valid}` },
    { what: "broken UTF-8", body: Buffer.from(valid.replace("Tea", "\xff\xfe"), "latin1") },
    { what: "own __proto__", body: valid.replace("{", '{"__proto__":{"data":{}},') },
    { what: "300 kB of nesting", body: "[".repeat(300_000) },
    { what: "300 kB of nested objects", body: '{"data":'.repeat(37_500) },
    { what: "deep data within the limit", body: deepData(100_000) },
    { what: "data one level too deep", body: deepData(64) },
    { what: "too large", body: envelope({ data: { text: "x".repeat(300_000) } }) },
  ];
}

function deepData(levels: number): string {
  return envelope({ data: 0 }).replace('"data":0', `"data":${"[".repeat(levels)}${"]".repeat(levels)}`);
}

function forgedSubjects(): Forgery[] {
  const under = "evt.alpha.kitchen.ui";
  const endings = [
    "notify.v0",
    "notify.v01",
    "notify.1",
    "notify.*",
    "notify.>",
    "notify.v1.extra",
    "notify.v1.v1",
  ];
  endings.push("Notify.v1", "*.v1", "v2.v1", "n\u00f6.v1");
  return endings.map((ending) => ({ what: ending, subject: `${under}.${ending}`, body: envelope() }));
}

function forgedContent(): Forgery[] {
  const data: unknown[] = [{}, null, "text", { text: "" }, { text: 7 }, { text: "Tea", level: "panic" }];
  return [
    ...data.map((held): Forgery => {
      return { what: `data ${JSON.stringify(held)}`, body: envelope({ data: held }), passesLinks: true };
    }),
    {
      what: "an event that no registry has",
      subject: "evt.alpha.kitchen.ui.notify.v9",
      body: envelope({ version: 9 }),
      passesLinks: true,
    },
  ];
}

describe("a forged event in an allowed subject", () => {
  test("reaches no handler, and good events still do", async () => {
    const forgeries = [...forgedFields(), ...forgedBodies(), ...forgedSubjects(), ...forgedContent()];
    const carried = forgeries.filter(({ passesLinks }) => passesLinks === true).length;
    // One of an event that nobody declares is parked: its schema may come.
    const keptFrom = ({ stats }: Bus): number => stats.refused + stats.parked;
    const refusals = async (): Promise<number[]> => [
      keptFrom(found(buses, "alpha/speaker")),
      keptFrom(found(buses, "beta/desk")),
      (await rootParts())["link up alpha"]?.details?.refused ?? 0,
    ];
    const [speakerBefore = 0, deskBefore = 0, uplinkBefore = 0] = await refusals();
    const federatedBefore = await lastSeq("root", "MESH");
    for (const { what, subject = NOTIFY, body } of forgeries) {
      const ack = await store(subject, body);
      expect([what, ack.stream]).toEqual([what, "EVENTS_alpha"]);
    }
    await expectGoodPublish();
    for (const { what } of forgeries) count(`forged ${what}`, strangers().length > 0);
    const wanted = [
      speakerBefore + forgeries.length,
      deskBefore + carried,
      uplinkBefore + forgeries.length - carried,
    ];
    await until(`refusals are ${wanted}`, async () => String(await refusals()) === String(wanted));
    expect(await lastSeq("root", "MESH")).toBe(federatedBefore + carried + 1);
    await expectLinksReady();
  });

  test("is not even stored when a header asks the stream for more than a publish", async () => {
    const before = await lastSeq("alpha", "EVENTS_alpha");
    const asked: Record<string, string>[] = [
      { "Nats-Rollup": "all" },
      { "Nats-Rollup": "sub" },
      { "Nats-TTL": "1s" },
      { "Nats-Incr": "+1" },
      { "Nats-Schedule": "@every 1s", "Nats-Schedule-Target": "evt.alpha.speaker.ui.notify.v1" },
      { "Nats-Stream-Source": "EVENTS_alpha 1 > > evt.alpha.speaker.ui.notify.v1" },
      { "Nats-Batch-Id": "x".repeat(65), "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1" },
      { "Nats-Expected-Stream": "MESH" },
    ];
    for (const fields of asked) {
      const ack = await store(NOTIFY, envelope(), fields);
      count(`header ${Object.keys(fields)[0]}`, !("error" in ack));
      expect({ fields, ack }).toEqual({ fields, ack: expect.objectContaining({ error: expect.anything() }) });
    }
    expect(await subjectsFrom(before + 1)).toEqual([]);
    await expectGoodPublish();
  });
});

describe("federation", () => {
  async function subjectsOn(of: string, filter: string): Promise<string[]> {
    const { state } = await found(managers, of).streams.info(of === "root" ? "MESH" : `EVENTS_${of}`, {
      subjects_filter: filter,
    });
    return Object.keys(state.subjects ?? {});
  }

  test("leaves at home what a subnet does not export", async () => {
    const { eventId, body } = goodEnvelope({
      event_name: "timer.tick",
      data: { timer: "tea", scheduled_at: "2025-09-23T16:20:00Z" },
    });
    await store("evt.alpha.kitchen.timer.tick.v1", body);
    await expectGoodPublish();
    await until("alpha has handled it", () => found(seen, "alpha/speaker").includes(eventId));
    for (const of of ["root", "beta", "gamma"]) expect(await subjectsOn(of, "evt.*.*.timer.>")).toEqual([]);
    for (const member of ["beta/desk", "gamma/porch"]) expect(found(seen, member)).not.toContain(eventId);
  });

  test("takes to the root what is exported, and only into subnets that import it", async () => {
    const subject = "evt.alpha.kitchen.scenario.run.v1";
    const { eventId, body } = goodEnvelope({
      event_name: "scenario.run",
      kind: "command",
      data: { name: "morning" },
    });
    await store(subject, body);
    await expectGoodPublish();
    await until("gamma has handled it", () => found(seen, "gamma/porch").includes(eventId));
    expect(await subjectsOn("root", "evt.*.*.scenario.>")).toEqual([subject]);
    expect(await subjectsOn("gamma", "evt.*.*.scenario.>")).toEqual([subject]);
    expect(await subjectsOn("beta", "evt.*.*.scenario.>")).toEqual([]);
    expect(found(seen, "beta/desk")).not.toContain(eventId);
  });

  test("needs a few lines for a third subnet, in both directions", async () => {
    const { eventId, subject } = await found(buses, "gamma/porch").publish("ui.notify", {
      text: "Somebody rings",
    });
    good.add(eventId);
    expect(subject).toBe("evt.gamma.porch.ui.notify.v1");
    for (const member of ["alpha/speaker", "beta/desk"]) {
      await until(`${member} has handled it`, () => found(seen, member).includes(eventId));
    }
    await expectGoodPublish();
  });
});

test("no attack got through", () => {
  expect(tally.tried).toBeGreaterThan(200);
  expect(tally.through).toEqual([]);
});
