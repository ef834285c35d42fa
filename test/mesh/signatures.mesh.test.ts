import { join } from "node:path";
import { type Bus, NonRetryableError } from "@adaos/client";
import { readSignatureKey } from "@adaos/config";
import { newEventId } from "@adaos/core";
import { SIGNATURE_HEADER, type SignatureKey, signatureOf } from "@adaos/core/wire";
import type { Connection } from "@adaos/transport-nats";
import { headers as newHeaders, type StoredMsg } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leftovers, TestMesh, until } from "../kit/mesh.ts";

const MAX_AGE_MS = 15_000;
/** Alpha and beta sign, gamma does not. */
const MESH = `
mesh: signed
registry: ../schemas/events
streams: { duplicateWindowMs: 1000 }
subnets:
  alpha:
    export: [ui., repo.]
    import: [ui.]
    signatures: { sign: k1, maxAgeMs: ${MAX_AGE_MS} }
    members:
      kitchen: { publish: [ui., repo.] }
      speaker: { subscribe: [ui.] }
  beta:
    import: [ui., repo.]
    signatures: { sign: b1, accept: [b1, b2] }
    members:
      desk: { subscribe: [ui., repo.] }
  gamma:
    export: [ui.]
    import: [ui.]
    members:
      porch: { publish: [ui.], subscribe: [ui.] }
`;
const SUBJECT = "evt.alpha.kitchen.ui.notify.v1";
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

interface Event {
  readonly id: string;
  readonly ts: string;
  readonly body: Uint8Array;
}

function eventOf(changes: Readonly<Record<string, unknown>> = {}): Event {
  const envelope = {
    event_id: newEventId(Date.now()),
    event_name: "ui.notify",
    version: 1,
    kind: "event",
    ts: new Date().toISOString(),
    source: "app@kitchen",
    correlation_id: "attack",
    tenant: "default",
    headers: {},
    data: { text: "attack" },
    ...changes,
  };
  return { id: envelope.event_id, ts: envelope.ts, body: Buffer.from(JSON.stringify(envelope)) };
}

/** What an attacker publishes. */
interface Attack {
  readonly event: Event;
  readonly header?: string;
  readonly name?: string;
  /** @default of the event */
  readonly messageId?: string;
}

let mesh: TestMesh;
let kitchen: Bus;
let raw: Connection;
/** Published before anything else, as it was stored. */
let early: StoredMsg;
let earlyId: string;
let earlyMs: number;
const buses = new Map<string, Bus>();
/** Ids of the handled events by member, and what caused them. */
const seen = new Map<string, string[]>();
const seenAt = (member: string): string[] => seen.get(member) ?? [];
const LISTENERS = ["alpha/speaker", "beta/desk", "gamma/porch"];

beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: MESH });
  kitchen = await mesh.connect("alpha/kitchen");
  earlyId = (await kitchen.publish("ui.notify", { text: "early" })).eventId;
  earlyMs = Date.now();
  early = await stored("alpha", SUBJECT);
  raw = await mesh.openMember("alpha/kitchen");
  for (const member of LISTENERS) {
    const bus = await mesh.connect(member);
    const ids: string[] = [];
    buses.set(member, bus);
    seen.set(member, ids);
    await bus.subscribe("ui.notify", { durable: "watch", idempotency: "off" }, (event) => {
      ids.push(event.event_id, event.causation_id ?? "");
    });
  }
}, 120_000);

afterAll(async () => {
  await raw?.close();
  await mesh?.stop();
});

function keyFile(subnet: string, id: string): string {
  return join(mesh.state, "keys", subnet, "signatures", `${id}.key`);
}

function sign({ body, id, ts }: Event, key: SignatureKey, keyId = "k1", subject = SUBJECT): string {
  return signatureOf({ subject, body }, { eventId: id, ts }, keyId, key);
}

async function inject({
  event,
  header,
  name = SIGNATURE_HEADER,
  messageId = event.id,
}: Attack): Promise<void> {
  const headers = newHeaders();
  headers.set("Nats-Msg-Id", messageId);
  if (header !== undefined) headers.set(name, header);
  const answer = await raw.nc.request(SUBJECT, event.body, { headers, timeout: 5000 });
  expect(answer.json()).toMatchObject({ stream: "EVENTS_alpha" });
}

async function stored(subnet: string, subject: string): Promise<StoredMsg> {
  return mesh.asService(subnet, async (nc) => {
    const jsm = await nc.jetstreamManager();
    return jsm.streams.getMessage(`EVENTS_${subnet}`, { last_by_subj: subject });
  });
}

/** Publishes a right event behind whatever came before, and waits until everybody has it. */
async function passes(): Promise<string> {
  const { eventId } = await kitchen.publish("ui.notify", { text: "right" });
  await until("it is everywhere", () => LISTENERS.every((member) => seenAt(member).includes(eventId)));
  return eventId;
}

async function apply(change: (yaml: string) => string): Promise<void> {
  mesh.configure(change(MESH));
  const { code, stderr } = await mesh.ask(["policy", "apply", "--yes"]);
  if (code !== 0) throw new Error(`policy apply: ${code} ${stderr}`);
}

async function cli(...args: readonly string[]): Promise<{ code: number; told: Record<string, unknown> }> {
  const { code, stdout, stderr } = await mesh.ask([...args, "--yes", "--json"]);
  if (stdout === "") throw new Error(stderr);
  return { code, told: JSON.parse(stdout) as Record<string, unknown> };
}

function attacks(captured: StoredMsg): { readonly forged: Attack[]; readonly aged: Attack[] } {
  const k1 = readSignatureKey(keyFile("alpha", "k1"));
  const b1 = readSignatureKey(keyFile("beta", "b1"));
  const header = captured.header.get(SIGNATURE_HEADER);
  const [keyId = "", id = "", ts = "", mac = ""] = header.split(" ");
  const event = eventOf();
  const right = sign(event, k1);
  const [, , , rightMac = ""] = right.split(" ");
  const other = (): Event => eventOf();
  const fresh = (make: (event: Event) => string): Attack => {
    const one = other();
    return { event: one, header: make(one) };
  };
  const forged: Attack[] = [
    { event: other() },
    { event: other(), header: right, name: "adaos-signature" },
    { event: other(), header: right, name: "Signature" },
    // Another's, as it was captured.
    { event: other(), header },
    fresh(({ id, ts }) => `${keyId} ${id} ${ts} ${mac}`),
    { event: eventOf({ event_id: id, ts, data: { text: "other" } }), header, messageId: newEventId(1) },
    // Of another body, subject, id or time.
    fresh((one) => sign({ ...one, body: event.body }, k1)),
    fresh((one) => sign(one, k1, "k1", "evt.alpha.speaker.ui.notify.v1")),
    fresh((one) => sign(one, k1, "k1", "evt.alpha.kitchen.repo.skill.installed.v1")),
    fresh((one) => sign({ ...one, id: event.id }, k1)),
    fresh((one) => sign({ ...one, ts: "2026-01-05T09:30:00.000Z" }, k1)),
    fresh((one) => sign(one, k1).replace(one.id, event.id)),
    fresh((one) => sign(one, k1).replace(one.ts, new Date(1).toISOString())),
    // By a key that is not there, or another's.
    fresh((one) => sign(one, k1, "k9")),
    fresh((one) => sign(one, b1, "b1")),
    fresh((one) => sign(one, b1, "k1")),
    fresh((one) => sign(one, k1, "constructor")),
    // What is no signature.
    ...["", "k1", rightMac, `k1 ${rightMac}`, `${right} `, `${right}=`, ` ${right}`].map((malformed) =>
      fresh(() => malformed),
    ),
    fresh((one) => sign(one, k1).replaceAll(" ", "  ")),
    fresh((one) => sign(one, k1).toUpperCase()),
    fresh((one) => sign(one, k1).slice(0, -1)),
    fresh((one) => `${sign(one, k1)}A`),
    fresh((one) => `k1 ${one.id} ${one.ts} ${"A".repeat(43)}`),
    fresh((one) => `k1 ${one.id} ${one.ts} ${"é".repeat(43)}`),
    fresh(() => "x".repeat(3000)),
  ];
  // Signed with the right key, at another time.
  const at = (ts: string): Attack => {
    const one = eventOf({ ts });
    return { event: one, header: sign(one, k1) };
  };
  const agoMs = (ms: number): string => new Date(Date.now() - ms).toISOString();
  const aged = [
    ...[MAX_AGE_MS + 5000, 3_600_000, 365 * 86_400_000].map((ms) => at(agoMs(ms))),
    at("1970-01-01T00:00:00Z"),
    at(agoMs(-360_000)),
    at("9999-12-31T23:59:59.999Z"),
  ];
  return { forged, aged };
}

describe("the signatures of a mesh", { timeout: 120_000 }, () => {
  test("keep out whoever has a member's rights on the server and no key, at the root and at handlers", async () => {
    await passes();
    const { forged, aged } = attacks(await stored("alpha", SUBJECT));
    const all = [...forged, ...aged];
    for (const attack of all) await inject(attack);
    await passes();
    const speaker = buses.get("alpha/speaker");
    await until("all are dead letters", () => speaker?.stats.deadLettered === all.length);
    const ids = new Set(all.map(({ event }) => event.id));
    // The captured event was handled before, as it should.
    ids.delete(forged[5]?.event.id ?? "");
    const through = LISTENERS.flatMap((member) => seenAt(member).filter((id) => ids.has(id)));
    process.stdout.write(`${all.length} attacks by a bare client, ${through.length} got through\n`);
    expect(through).toEqual([]);
    expect(buses.get("beta/desk")?.stats.deadLettered).toBe(0);
    // The daemon's own events are signed, too.
    const told = await stored("alpha", "evt.alpha.root.mesh.policy.denied.v1");
    expect(told.header.get(SIGNATURE_HEADER)).toMatch(/^k1 EVT-/);
    expect(told.json()).toMatchObject({ data: { hop: "export", node: "alpha" } });

    // Run again by an operator, only what was signed and just came late gets in.
    const { told: replayed } = await cli("events", "dlq", "replay", "--at", "alpha", "--durable", "watch");
    expect(replayed).toMatchObject({ replayed: aged.length, failed: forged.length });
    await until("the late ones are handled", () =>
      aged.every(({ event }) => seenAt("alpha/speaker").includes(event.id)),
    );
    const laundered = forged.filter(
      ({ event }) => ids.has(event.id) && seenAt("alpha/speaker").includes(event.id),
    );
    expect(laundered).toEqual([]);
    await cli("events", "dlq", "purge", "--at", "alpha", "--older-than", "0");
  });

  test("a captured event that is sent once more, too late, is refused although nothing in it is wrong", async () => {
    const captured = { id: earlyId, ts: "", body: early.data };
    await until("it is too old", () => Date.now() > earlyMs + MAX_AGE_MS + 1000, 60_000);
    const before = buses.get("alpha/speaker")?.stats.deadLettered ?? 0;
    await inject({ event: captured, header: early.header.get(SIGNATURE_HEADER), messageId: newEventId(2) });
    await until("it is refused", () => buses.get("alpha/speaker")?.stats.deadLettered === before + 1);
    await passes();
    expect(LISTENERS.filter((member) => seenAt(member).includes(earlyId))).toEqual([]);
  });

  test("what has waited in streams for longer than it may be old still comes", async () => {
    await until("it is old", () => Date.now() > earlyMs + MAX_AGE_MS + 1000, 60_000);
    for (const member of LISTENERS) {
      const ids: string[] = [];
      const bus = buses.get(member);
      await bus?.subscribe("ui.notify", { durable: "late", startAt: "all" }, ({ event_id }) =>
        ids.push(event_id),
      );
      await until(`it is at ${member}`, () => ids.includes(earlyId));
      expect(bus?.stats.deadLettered).toBeLessThan(100);
    }
  });

  test("dead letters and the past are run again, an unsigned subnet's beside them", async () => {
    const porch = buses.get("gamma/porch");
    const desk = await mesh.connect("beta/desk", { log: SILENT });
    let broken = true;
    const handled: string[] = [];
    await desk.subscribe("ui.notify", { durable: "screen", idempotency: "off" }, ({ causation_id }) => {
      if (broken) throw new NonRetryableError("no such screen");
      handled.push(causation_id ?? "");
    });
    const unsigned = await porch?.publish("ui.notify", { text: "of gamma" });
    const right = await kitchen.publish("ui.notify", { text: "of alpha" });
    const both = [unsigned?.eventId ?? "", right.eventId];
    await until("both are dead letters", () => desk.stats.deadLettered === 2);
    await until("gamma's is in alpha", () => seenAt("alpha/speaker").includes(both[0] ?? ""));
    broken = false;
    const letters = await cli("events", "dlq", "replay", "--at", "beta", "--durable", "screen");
    expect(letters).toMatchObject({ code: 0, told: { replayed: 2, failed: 0 } });
    await until("both are handled", () => both.every((id) => handled.includes(id)));
    const past = await cli("events", "replay", "ui.notify", "--at", "beta", "--to", "desk/screen", "--all");
    expect(past).toMatchObject({ code: 0, told: { skipped: 0, failed: 0 } });
    expect(past.told["replayed"]).toBeGreaterThan(3);
    await until("both are handled once more", () =>
      both.every((id) => handled.filter((one) => one === id).length === 2),
    );
    expect(desk.stats.deadLettered).toBe(2);
    await desk.close();
  });

  test("a reply is signed by who answers, and a forged one is not taken for it", async () => {
    const desk = await mesh.connect("beta/desk");
    const forger = await mesh.openMember("beta/desk");
    const forgery = { skill: "weather", version: "6.6.6", status: "installed" };
    await desk.subscribe("repo.skill.install", { durable: "installer" }, async ({ event_id, data }) => {
      const { body } = eventOf({
        event_name: "repo.skill.install.result",
        kind: "reply",
        source: "app@desk",
        causation_id: event_id,
        data: forgery,
      });
      const subject = `rpy.far.alpha.kitchen.${event_id}.beta.desk.repo.skill.install.v1`;
      await forger.nc.request(subject, body, { timeout: 5000 });
      return { ...data, status: "installed" };
    });
    const reply = await kitchen.request("repo.skill.install", { skill: "weather", version: "1.0.0" });
    expect(reply.data).toEqual({ skill: "weather", version: "1.0.0", status: "installed" });
    const { header } = await stored("alpha", "rpy.far.alpha.kitchen.>");
    expect(header.get(SIGNATURE_HEADER)).toMatch(/^b1 EVT-/);
    await Promise.all([desk.close(), forger.close()]);
  });

  test("what waited in an outbox comes with its signature", async () => {
    const supervisor = mesh.pid("supervisor");
    const server = mesh.pid("nats-alpha");
    let eventId = "";
    process.kill(supervisor, "SIGSTOP");
    try {
      process.kill(server, "SIGKILL");
      await until("the server has ended", async () => (await leftovers([server], [])).length === 0);
      const queued = await kitchen.publish("ui.notify", { text: "from the outbox" });
      expect(queued.stream).toBe("outbox");
      eventId = queued.eventId;
    } finally {
      process.kill(supervisor, "SIGCONT");
    }
    await until(
      "it is everywhere",
      () => LISTENERS.every((member) => seenAt(member).includes(eventId)),
      60_000,
    );
    await until("all is ready", () => mesh.isReady(), 60_000);
  });

  test("signatures are introduced and given up while events flow, and none is refused", async () => {
    const porch = buses.get("gamma/porch");
    const refusedBefore = LISTENERS.map((member) => buses.get(member)?.stats.refused);
    const published: string[] = [];
    const publishing: Promise<unknown>[] = [];
    const clock = setInterval(() => {
      const one = porch?.publish("ui.notify", { text: "y" });
      publishing.push(Promise.resolve(one).then((stored) => published.push(stored?.eventId ?? "")));
    }, 20);
    const signatureNow = async (): Promise<string> =>
      (await stored("gamma", "evt.gamma.porch.ui.notify.v1")).header.get(SIGNATURE_HEADER);
    const arrived = async (): Promise<void> => {
      const ids = [...published];
      for (const member of ["alpha/speaker", "gamma/porch"])
        await until(`all are at ${member}`, () => ids.every((id) => seenAt(member).includes(id)));
    };
    const gamma = (signatures: string) => (yaml: string) =>
      yaml.replace("  gamma:\n", `  gamma:\n    signatures: ${signatures}\n`);
    try {
      expect(await signatureNow()).toBe("");
      await apply(gamma("{ sign: g1, required: false }"));
      await until("the program signs", async () => (await signatureNow()).startsWith("g1 "));
      await arrived();
      await apply(gamma("{ sign: g1 }"));
      const enough = published.length + 20;
      await until("more have been published", () => published.length > enough);
      await apply(gamma("{ sign: g1, required: false }"));
      await apply((yaml) => yaml);
      await until("the program signs no more", async () => (await signatureNow()) === "");
    } finally {
      clearInterval(clock);
    }
    await Promise.all(publishing);
    await arrived();
    expect(LISTENERS.map((member) => buses.get(member)?.stats.refused)).toEqual(refusedBefore);
  });

  test("a key is exchanged while events flow: none is lost, none is refused, and then the old key opens nothing", async () => {
    const refusedBefore = LISTENERS.map((member) => buses.get(member)?.stats.refused);
    const published: string[] = [];
    const publishing = new Set<Promise<unknown>>();
    const failed: unknown[] = [];
    const clock = setInterval(() => {
      const one = kitchen.publish("ui.notify", { text: "x" }).then(
        ({ eventId }) => published.push(eventId),
        (thrown: unknown) => failed.push(thrown),
      );
      publishing.add(one.finally(() => publishing.delete(one)));
    }, 10);
    const arrived = async (): Promise<void> => {
      const ids = [...published];
      await until(
        "all are everywhere",
        () => LISTENERS.every((member) => ids.every((id) => seenAt(member).includes(id))),
        60_000,
      );
    };
    const signedBy = async (): Promise<string> =>
      (await stored("alpha", SUBJECT)).header.get(SIGNATURE_HEADER).split(" ")[0] ?? "";
    try {
      await until("events flow", () => published.length > 50);
      await apply((yaml) => yaml.replace("sign: k1", "sign: k1, accept: [k1, k2]"));
      await arrived();
      await apply((yaml) => yaml.replace("sign: k1", "sign: k2, accept: [k1, k2]"));
      await until("the program signs by the new key", async () => (await signedBy()) === "k2");
      await arrived();
      await apply((yaml) => yaml.replace("sign: k1", "sign: k2, accept: [k2]"));
      const enough = published.length + 50;
      await until("more have been published", () => published.length > enough);
    } finally {
      clearInterval(clock);
    }
    await Promise.all(publishing);
    await arrived();
    expect(failed).toEqual([]);
    expect(LISTENERS.map((member) => buses.get(member)?.stats.refused)).toEqual(refusedBefore);
    process.stdout.write(
      `${published.length} events published while the key was exchanged, none lost or refused\n`,
    );

    const event = eventOf();
    await inject({ event, header: sign(event, readSignatureKey(keyFile("alpha", "k1"))) });
    const speaker = buses.get("alpha/speaker");
    // At each of its durables.
    await until("it is refused", () => (speaker?.stats.refused ?? 0) > (refusedBefore[0] ?? 0));
    await passes();
    expect(LISTENERS.filter((member) => seenAt(member).includes(event.id))).toEqual([]);
  });
});
