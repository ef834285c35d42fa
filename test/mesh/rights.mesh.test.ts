import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type MemberFile, readNodeFile, readSeed, runFilePath } from "@adaos/config";
import { newEventId } from "@adaos/core";
import type { Bus } from "@adaos/member";
import {
  connect,
  type JetStreamManager,
  headers as newHeaders,
  nkeyAuthenticator,
  type NatsConnection,
  NatsError,
  type PubAck,
  type PublishOptions,
} from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";

/*
 * What the servers enforce against somebody who holds a key and speaks NATS without our client: every attack here goes
 * over a bare connection. Each must be refused, store nothing, and bring nothing back.
 */

/** The default mesh, with an event that alpha keeps to itself, and a third subnet of a few lines. */
const MESH = readFileSync(join(HOME, "deploy/mesh.yaml"), "utf8")
  .replace("kitchen: { publish: [nlp., ui., scenario.]", "kitchen: { publish: [nlp., ui., scenario., timer.]")
  .replace("speaker: { publish: [ui.], subscribe: [nlp., ui.]", 'speaker: { publish: [ui.], subscribe: ["*"]')
  .replace("desk: { publish: [ui., scenario.], subscribe: [nlp., ui.]", 'desk: { publish: [ui.], subscribe: ["*"]')
  .concat(`
  gamma:
    export: [ui.]
    import: [ui., scenario.]
    members:
      porch: { publish: [ui.], subscribe: ["*"] }
`);
const SUBNETS = ["alpha", "beta", "gamma"];

const tally = { tried: 0, through: [] as string[] };

/** Counts an attack and keeps what it was when it got through. */
function count(what: string, gotThrough: boolean): void {
  tally.tried++;
  if (gotThrough) tally.through.push(what);
}

/** A NATS client without any of our code, which remembers what the server refuses it. */
class BareClient {
  readonly nc: NatsConnection;
  readonly refused: { operation: string; subject: string }[] = [];

  constructor(nc: NatsConnection) {
    this.nc = nc;
    void this.#watch();
  }

  static async open(url: string, seed: string, inboxPrefix: string): Promise<BareClient> {
    const authenticator = nkeyAuthenticator(new TextEncoder().encode(seed));
    return new BareClient(await connect({ servers: url, authenticator, inboxPrefix, reconnect: false }));
  }

  /** Messages that came over the wire, whether or not anything here had asked for them. */
  get received(): number {
    return this.nc.stats().inMsgs;
  }

  hasRefused(operation: string, subject: string): boolean {
    return this.refused.some((refusal) => refusal.operation === operation && refusal.subject === subject);
  }

  async #watch(): Promise<void> {
    for await (const { permissionContext } of this.nc.status()) {
      if (permissionContext !== undefined) this.refused.push(permissionContext);
    }
  }
}

let mesh: TestMesh;
let kitchen: BareClient;
let root: BareClient;
const managers = new Map<string, JetStreamManager>();
const clients: BareClient[] = [];
/** Ids of the events that a member's handler saw, in order. */
const seen = new Map<string, string[]>();
const buses = new Map<string, Bus>();

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
    const bus = await mesh.connect(member);
    const ids: string[] = [];
    buses.set(member, bus);
    seen.set(member, ids);
    await bus.subscribe("*", { durable: "watch" }, ({ event_id }) => ids.push(event_id));
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

/** Everything that an attack could change on a server: its streams, what they hold, and how far each consumer is. */
async function storedOn(of: string): Promise<unknown> {
  const jsm = found(managers, of);
  const streams = [];
  for await (const { config, created, state } of jsm.streams.list()) {
    const consumers = [];
    for await (const info of jsm.consumers.list(config.name)) {
      const { name, created: made, config: settings, num_pending, num_ack_pending } = info;
      const delivered = [info.delivered.stream_seq, info.ack_floor.stream_seq];
      consumers.push({ name, made, settings, delivered, num_pending, num_ack_pending });
    }
    const { messages, first_seq, last_seq } = state;
    streams.push({ config, created, messages, first_seq, last_seq, consumers });
  }
  return streams;
}

async function storedEverywhere(): Promise<unknown> {
  return Object.fromEntries(
    await Promise.all([...managers.keys()].map(async (of) => [of, await storedOn(of)] as const)),
  );
}

/** Waits until nothing is on its way any more, so that a later difference is an attack's doing. */
async function settledState(): Promise<unknown> {
  let last = "";
  await until("the mesh is at rest", async () => {
    const before = last;
    last = JSON.stringify(await storedEverywhere());
    return before === last;
  });
  return JSON.parse(last) as unknown;
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

const NOTIFY = "evt.alpha.kitchen.ui.notify.v1";

/** Publishes over the bare connection and gives back the server's answer. */
async function store(subject: string, body: string | Uint8Array, fields: Record<string, string> = {}): Promise<PubAck> {
  const headers = newHeaders();
  for (const [key, value] of Object.entries(fields)) headers.set(key, value);
  const answer = await kitchen.nc.request(subject, body, { headers, timeout: 10_000 });
  return answer.json<PubAck>();
}

/** An event that breaks no rule, from the same connection as the attacks. It shows that they have cost nothing. */
async function expectGoodPublish(): Promise<void> {
  const before = await lastSeq("alpha", "EVENTS_alpha");
  const eventId = newEventId(Date.now());
  const { seq } = await store(NOTIFY, envelope({ event_id: eventId }));
  expect(seq).toBe(before + 1);
  for (const [member, ids] of seen) {
    await until(`${member} has handled ${eventId}`, () => ids.includes(eventId));
  }
}

async function expectLinksReady(): Promise<void> {
  await until("all links are ready", async () => {
    const parts = Object.entries(await rootParts());
    return parts.filter(([name, { ready }]) => name.startsWith("link ") && ready).length === 2 * SUBNETS.length;
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

/** Publishes to each subject and expects a refusal of the server for each, no answer, and nothing stored anywhere. */
async function expectPublishesRefused(attacks: readonly (readonly [subject: string, body?: string])[]): Promise<void> {
  const before = await settledState();
  const received = kitchen.received;
  const reply = `_INBOX_kitchen.${newEventId(Date.now())}`;
  const answers = kitchen.nc.subscribe(reply);
  for (const [subject, body = ""] of attacks) kitchen.nc.publish(subject, body, { reply });
  await kitchen.nc.flush();
  const refused = ([subject]: readonly [string, string?]): boolean => kitchen.hasRefused("publish", subject);
  await until("the server has refused", () => attacks.every(refused), 5000).catch(() => undefined);
  for (const attack of attacks) count(`publish ${attack[0]}`, !refused(attack));
  expect(attacks.filter((attack) => !refused(attack))).toEqual([]);
  expect(kitchen.received).toBe(received);
  expect(await settledState()).toEqual(before);
  answers.unsubscribe();
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
      for (const [i, key] of keys.entries()) if (wanted[i] === false) count(`${key} at ${of}`, opened[i] === true);
      expect(keys.filter((_, i) => opened[i])).toEqual(keys.filter((_, i) => wanted[i]));
    }
  });

  test("is needed, and is no use at the port where hubs dial in", async () => {
    const { leafPort } = (JSON.parse(readFileSync(join(mesh.state, "mesh.json"), "utf8")) as LayoutPorts).ports.root;
    const attempts = [
      ...["alpha", "root"].map((of) => connect({ servers: mesh.server(of).url, reconnect: false })),
      ...["alpha/leaf", "alpha/members/kitchen", "root/daemon"].map((key) => dial(key, `127.0.0.1:${leafPort}`)),
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
  try {
    await (await dial(key, url)).close();
    return true;
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(NatsError);
    expect((thrown as NatsError).code).toBe("AUTHORIZATION_VIOLATION");
    return false;
  }
}

describe("a member", () => {
  test("publishes under its own name and prefixes only", async () => {
    await expectPublishesRefused([
      ["evt.alpha.kitchen.repo.x.y.v1", envelope()],
      ["evt.alpha.kitchen.system.boot.completed.v1", envelope()],
      ["evt.alpha.kitchen.uix.notify.v1", envelope()],
      ["evt.alpha.kitchen.ui", envelope()],
      ["evt.alpha.kitchen2.ui.notify.v1", envelope()],
      ["evt.alpha.speaker.ui.notify.v1", envelope({ source: "app@speaker" })],
      ["evt.alpha.hub.ui.notify.v1", envelope()],
      ["evt.beta.desk.ui.notify.v1", envelope({ source: "app@desk" })],
      ["evt.beta.kitchen.ui.notify.v1", envelope()],
      ["evt.alpha.*.ui.notify.v1", envelope()],
      ["evt.*.kitchen.ui.notify.v1", envelope()],
      ["evt.alpha.kitchen.*.notify.v1", envelope()],
      ["evt.alpha.>", envelope()],
      ["evt.>", envelope()],
      ["evt", envelope()],
      [">", envelope()],
    ]);
    await expectGoodPublish();
  });

  test("reaches nothing but its hub's stream: not the bridge, not the root, not another's inbox", async () => {
    await expectPublishesRefused([
      ["ingest.alpha.kitchen.ui.notify.v1", envelope()],
      ["ingest.alpha.speaker.ui.notify.v1", envelope()],
      ["ingest.beta.desk.ui.notify.v1", envelope()],
      ["link.alpha.in.beta.desk.ui.notify.v1", envelope()],
      ["link.beta.in.alpha.kitchen.ui.notify.v1", envelope()],
      ["link.alpha.CONSUMER.INFO.EVENTS_alpha.root"],
      ["link.alpha.CONSUMER.MSG.NEXT.EVENTS_alpha.root", "{}"],
      ["_INBOX_speaker.x", "x"],
      ["_INBOX_hub.x", "x"],
      ["_INBOX_kitchen.x", "x"],
      ["_INBOX.x", "x"],
      ["_R_.x", "x"],
      ["$SYS.REQ.SERVER.PING"],
      ["$SYS.REQ.USER.INFO"],
      ["$SYS.REQ.ACCOUNT.SUBNET.CONNZ"],
      ["$SYS.ACCOUNT.SUBNET.DISCONNECT", "{}"],
      ["svc.hub.speaker.durable", durableRequest("x", "ui.")],
      ["svc.hub.hub.durable", durableRequest("x", "ui.")],
      ["svc.hub.*.durable", durableRequest("x", "ui.")],
    ]);
    await expectGoodPublish();
  });

  test("has no JetStream API, nor another's durable", async () => {
    const config = { durable_name: "theft", ack_policy: "explicit", filter_subject: "evt.>" };
    const create = JSON.stringify({ stream_name: "EVENTS_alpha", config });
    const push = JSON.stringify({ stream_name: "EVENTS_alpha", config: { deliver_subject: "_INBOX_kitchen.p" } });
    const stream = JSON.stringify({ name: "THEFT", subjects: ["theft.>"] });
    const api: [string, string?][] = [
      ["INFO"],
      ["STREAM.NAMES"],
      ["STREAM.LIST"],
      ["STREAM.INFO.EVENTS_alpha"],
      ["STREAM.CREATE.THEFT", stream],
      ["STREAM.UPDATE.EVENTS_alpha", JSON.stringify({ name: "EVENTS_alpha", subjects: ["theft.>"] })],
      ["STREAM.PURGE.EVENTS_alpha"],
      ["STREAM.DELETE.EVENTS_alpha"],
      ["STREAM.MSG.GET.EVENTS_alpha", '{"seq":1}'],
      ["STREAM.MSG.DELETE.EVENTS_alpha", '{"seq":1}'],
      ["STREAM.SNAPSHOT.EVENTS_alpha", '{"deliver_subject":"_INBOX_kitchen.s"}'],
      ["STREAM.RESTORE.THEFT", "{}"],
      ["STREAM.LEADER.STEPDOWN.EVENTS_alpha"],
      ["STREAM.PEER.REMOVE.EVENTS_alpha", '{"peer":"hub-alpha"}'],
      ["META.LEADER.STEPDOWN"],
      ["DIRECT.GET.EVENTS_alpha", '{"seq":1}'],
      ["DIRECT.GET.EVENTS_alpha.evt.alpha.speaker.ui.notify.v1"],
      ["CONSUMER.NAMES.EVENTS_alpha"],
      ["CONSUMER.LIST.EVENTS_alpha"],
      ["CONSUMER.CREATE.EVENTS_alpha", push],
      ["CONSUMER.CREATE.EVENTS_alpha.theft", create],
      ["CONSUMER.CREATE.EVENTS_alpha.theft.evt.>", create],
      ["CONSUMER.CREATE.EVENTS_alpha.kitchen_theft.evt.*.*.ui.>", create],
      ["CONSUMER.DURABLE.CREATE.EVENTS_alpha.theft", create],
      ["CONSUMER.DURABLE.CREATE.EVENTS_alpha.root", create],
    ];
    for (const consumer of ["speaker_journal", "speaker_watch", "root", "*"]) {
      const of = `EVENTS_alpha.${consumer}`;
      api.push([`CONSUMER.INFO.${of}`], [`CONSUMER.MSG.NEXT.${of}`, "{}"], [`CONSUMER.DELETE.${of}`]);
      api.push([`CONSUMER.PAUSE.${of}`, '{"pause_until":"2099-01-01T00:00:00Z"}'], [`CONSUMER.RESET.${of}`]);
      api.push([`CONSUMER.LEADER.STEPDOWN.${of}`], [`CONSUMER.UNPIN.${of}`, '{"group":"link"}']);
    }
    api.push(["CONSUMER.DELETE.EVENTS_alpha.kitchen_journal-ui"]);
    await expectPublishesRefused([
      ...api.map(([call, body]): [string, string?] => [`$JS.API.${call}`, body]),
      ...api.map(([call, body]): [string, string?] => [`$JS.alpha.API.${call}`, body]),
      ["$JS.root.API.STREAM.INFO.MESH"],
      ["$JS.FC.EVENTS_alpha.root.x"],
    ]);
    await expectGoodPublish();
  });

  test("acknowledges only its own deliveries, in either form of the subject", async () => {
    const steal = '+NXT {"batch":10}';
    const attacks = ["root", "speaker_journal", "speaker_watch", "*"].flatMap((consumer): [string, string][] => [
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
    const subjects = [
      ">",
      "*.>",
      "evt.>",
      "evt.alpha.kitchen.>",
      NOTIFY,
      "_INBOX.>",
      "_INBOX_*.>",
      "_INBOX_speaker.>",
      "_INBOX_hub.>",
      "_INBOX_kitchen2.>",
      "_R_.>",
      "$SYS.>",
      "$JS.>",
      "$JS.API.>",
      "$JS.ACK.>",
      "$JS.EVENT.ADVISORY.>",
      "svc.>",
      "svc.hub.*.durable",
      "svc.hub.kitchen.durable",
      "ingest.>",
      "link.>",
    ];
    const before = await settledState();
    for (const subject of subjects) kitchen.nc.subscribe(subject, { callback: () => undefined });
    kitchen.nc.subscribe("evt.beta.>", { queue: "q", callback: () => undefined });
    await kitchen.nc.flush();
    const all = [...subjects, "evt.beta.>"];
    const refused = (subject: string): boolean => kitchen.hasRefused("subscription", subject);
    await until("the server has refused", () => all.every(refused), 5000).catch(() => undefined);
    for (const subject of all) count(`subscribe ${subject}`, !refused(subject));
    expect(all.filter((subject) => !refused(subject))).toEqual([]);
    expect(await settledState()).toEqual(before);
    const received = kitchen.received;
    const { eventId } = await found(buses, "alpha/speaker").publish("ui.notify", { text: "private" });
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
    expect(await settledState()).toEqual(before);
    await expectGoodPublish();
  });

  test("cannot have an answer sent where it may not publish", async () => {
    const asked = await askDurable(durableRequest("reply", "ui.notify"));
    expect(asked).toMatchObject({ consumer: "kitchen_reply" });
    const targets = [
      "evt.alpha.speaker.ui.notify.v1",
      "evt.beta.desk.ui.notify.v1",
      NOTIFY,
      "ingest.beta.desk.ui.notify.v1",
      "svc.hub.speaker.durable",
      "$JS.API.CONSUMER.DELETE.EVENTS_alpha.root",
      "$JS.API.STREAM.PURGE.EVENTS_alpha",
      "$JS.API.STREAM.DELETE.EVENTS_alpha",
      "$JS.alpha.API.STREAM.DELETE.EVENTS_alpha",
    ];
    for (const target of targets) await attackByReply(target);
    await expectGoodPublish();
    await expectLinksReady();
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
    expect(await settledState()).toEqual(before);
    await expectGoodPublish();
  });
});

function durableRequest(durable: string, pattern: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ durable, pattern, from: {}, maxAckPending: 10, startAt: "new", ...more });
}

interface DurableAnswer {
  readonly consumer?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly rule?: string };
}

async function askDurable(request: string): Promise<DurableAnswer> {
  const answer = await kitchen.nc.request("svc.hub.kitchen.durable", request, { timeout: 10_000 });
  return answer.json<DurableAnswer>();
}

/** Uses every request that a member is allowed, each with `target` as its reply subject. */
async function attackByReply(target: string): Promise<void> {
  const { nc } = kitchen;
  const jsm = found(managers, "alpha");
  const next = "$JS.API.CONSUMER.MSG.NEXT.EVENTS_alpha.kitchen_reply";
  const first = (await lastSeq("alpha", "EVENTS_alpha")) + 1;
  const ask = (subject: string, body: string, options: PublishOptions = {}): void =>
    nc.publish(subject, body, { ...options, reply: target });
  // Without a message id, so that no duplicate window hides a second copy.
  ask(NOTIFY, envelope());
  ask("$JS.API.CONSUMER.INFO.EVENTS_alpha.kitchen_reply", "");
  ask("svc.hub.kitchen.durable", durableRequest("reply", "ui.notify"));
  ask("svc.hub.kitchen.durable", "not json");
  const delivered = async (): Promise<number> =>
    (await jsm.consumers.info("EVENTS_alpha", "kitchen_reply")).delivered.consumer_seq;
  // A stored message sent to the reply subject would be stored again, or obeyed.
  const deliveredBefore = await delivered();
  ask(next, '{"batch":1,"expires":5000000000}');
  await until("the message has been delivered", async () => (await delivered()) > deliveredBefore);
  // Answers to an acknowledgement are empty, as some requests of the API are.
  await store(NOTIFY, envelope());
  const pulled = await nc.request(next, '{"batch":1,"expires":5000000000}', { timeout: 10_000, noMux: true });
  for (const word of ["+WPI", "+ACK"]) ask(pulled.reply ?? "", word);
  await until("both are acknowledged or were", async () => {
    const { num_ack_pending } = await jsm.consumers.info("EVENTS_alpha", "kitchen_reply");
    return num_ack_pending <= 1;
  });
  await store(NOTIFY, envelope());
  const answered = await nc.request(next, '{"batch":1,"expires":5000000000}', { timeout: 10_000, noMux: true });
  answered.respond("+ACK");
  const last = await lastSeq("alpha", "EVENTS_alpha");
  const subjects = [];
  for (let seq = first; seq <= last; seq++) {
    subjects.push((await jsm.streams.getMessage("EVENTS_alpha", { seq })).subject);
  }
  count(`answers to ${target}`, subjects.join(" ") !== `${NOTIFY} ${NOTIFY} ${NOTIFY}`);
  expect(subjects).toEqual([NOTIFY, NOTIFY, NOTIFY]);
}
