import { type Bus, RetryableError } from "@adaos/client";
import { inboxPrefix } from "@adaos/core/wire";
import type { Connection } from "@adaos/transport-nats";
import { toSend } from "@adaos/transport-nats";
import { headers as newHeaders } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const YAML = `
mesh: hostile
registry: ../schemas/events
subnets:
  alpha:
    members:
      kitchen: { publish: [ui., repo.] }
      desk: { publish: [ui.], subscribe: [ui., repo.skill.install] }
      evil: { publish: [ui.], subscribe: [ui., repo.skill.install] }
      mute: {}
`;
const INSTALL = { skill: "weather", version: "1.2.0" };
const INSTALLED = { ...INSTALL, status: "installed" };
/** What a terminal takes for a command: control characters but line ends and tabs. */
const COMMANDS = /(?![\n\t])\p{Cc}/u;
const silent = (): void => undefined;
const _SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** A member of the subnet with a client of its own, and the rights that the server gives it. */
describe("a hostile member", () => {
  let mesh: TestMesh;
  let kitchen: Bus;
  let desk: Bus;
  let evil: Connection;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
    kitchen = await mesh.connect("alpha/kitchen");
    desk = await mesh.connect("alpha/desk");
    evil = await mesh.openMember("alpha/evil");
  });
  afterAll(async () => {
    await evil.close();
    await mesh.stop();
  });

  /** Stores something as the member that `as` is, and tells whether the server took it. */
  async function store(as: Connection, subject: string, body: string, id?: string): Promise<boolean> {
    const headers = newHeaders();
    if (id !== undefined) headers.set("Nats-Msg-Id", id);
    try {
      const answer = await as.nc.request(subject, body, { timeout: 2000, headers });
      return answer.json<{ error?: unknown }>().error === undefined;
    } catch {
      return false;
    }
  }

  test("does not end its hub, whatever it asks", async () => {
    const before = mesh.pid("alpha/hub");
    const long = "x".repeat(1_000_000);
    const bodies = [
      JSON.stringify({ subject: "x", [long]: 1 }),
      JSON.stringify({
        durable: long,
        pattern: "ui.",
        from: {},
        maxAckPending: 1,
        startAt: "new",
        answers: true,
      }),
      JSON.stringify({ requestId: long, after: 0 }),
      JSON.stringify({ requestId: "a", after: -1 }),
      `{"subject":"${"\ud800".repeat(1000)}"}`,
      "[".repeat(100_000),
      "",
    ];
    for (const service of ["durable", "handlers", "reply"]) {
      for (const body of bodies) {
        const answer = await evil.nc.request(`svc.hub.evil.${service}`, body, { timeout: 5000 });
        expect(answer.json<{ error?: object }>().error).toBeDefined();
        expect(answer.data.length).toBeLessThan(2000);
      }
    }
    // A reply to itself that is larger than any reply.
    const reply = "rpy.near.alpha.evil.EVT-1.alpha.evil.repo.skill.install.v1";
    expect(await store(evil, reply, "y".repeat(300_000))).toBe(true);
    const request = JSON.stringify({ requestId: "EVT-1", after: 0 });
    const answer = await evil.nc.request("svc.hub.evil.reply", request, { timeout: 5000 });
    expect(answer.json()).toMatchObject({ bodyBase64: "" });
    expect(mesh.pid("alpha/hub")).toBe(before);
  });

  test("does not keep the hub from the others by asking without end", async () => {
    for (let i = 0; i < 5000; i++) {
      const request = { durable: `d${i % 3}`, pattern: "ui.", from: {}, maxAckPending: (i % 2) + 1 };
      evil.nc.publish(
        "svc.hub.evil.durable",
        JSON.stringify({ ...request, startAt: "new", answers: false }),
        { reply: `${inboxPrefix("evil")}.x` },
      );
    }
    await evil.nc.flush();
    let seen = 0;
    const subscription = await desk.subscribe("ui.notify", { durable: "beside" }, () => void seen++);
    await kitchen.publish("ui.notify", { text: "still here" });
    await until("it came", () => seen === 1);
    await subscription.stop();
  });

  test("has no more durables than it may, however many it asks for at once", async () => {
    const ask = async (i: number): Promise<void> => {
      const request = { durable: `burst${i}`, pattern: "ui.", from: {}, maxAckPending: 1, startAt: "new" };
      const body = JSON.stringify({ ...request, answers: false });
      await evil.nc.request("svc.hub.evil.durable", body, { timeout: 10_000 }).catch(silent);
    };
    await Promise.all(Array.from({ length: 200 }, (_, i) => ask(i)));
    const names = await mesh.asService("alpha", async (nc) => {
      const jsm = await nc.jetstreamManager();
      const found: string[] = [];
      for await (const { name } of jsm.consumers.list("EVENTS_alpha")) found.push(name);
      return found.filter((name) => name.startsWith("evil_"));
    });
    expect(names.length).toBeLessThanOrEqual(64);
  });

  test("cannot make another's event count as handled", async () => {
    const seen: string[] = [];
    const retry = { baseMs: 400, jitter: 0 };
    const subscription = await desk.subscribe(
      "ui.notify",
      { durable: "victim", retry },
      (_event, { address }) => {
        seen.push(address.node);
        if (address.node === "kitchen" && seen.filter((node) => node === "kitchen").length === 1) {
          throw new RetryableError("not yet");
        }
      },
    );
    const { eventId } = await kitchen.publish("ui.notify", { text: "important" });
    await until("it failed once", () => desk.stats.retried === 1);
    const asMember = await mesh.connect("alpha/evil");
    await asMember.publish("ui.notify", { text: "harmless" }, { idempotencyKey: eventId });
    await until("both were handled", () => seen.length === 3);
    expect(seen.filter((node) => node === "kitchen")).toHaveLength(2);
    await subscription.stop();
  });

  test("cannot have an operator give its own words to another's handler", async () => {
    const seen: string[] = [];
    const subscription = await desk.subscribe("ui.notify", { durable: "screen" }, ({ data }) => {
      seen.push(data.text);
    });
    const forged = {
      dead_letter_id: "DLQ-EVENTS_alpha-1-desk.screen",
      at: new Date().toISOString(),
      category: "transient",
      rule: "typed",
      error: { type: "Error", message: "m", stack: "" },
      attempts: [],
      delivery_count: 1,
      node: "alpha/desk",
      durable: "screen",
      stream: "EVENTS_alpha",
      seq: 1,
      subject: "evt.alpha.kitchen.ui.notify.v1",
      event_id: "EVT-20250923-162000-0123456789ab",
      event_name: "ui.notify",
      correlation_id: "c",
      message: {
        headers: {},
        body_base64: Buffer.from(
          JSON.stringify({
            event_id: "EVT-20250923-162000-0123456789ab",
            event_name: "ui.notify",
            version: 1,
            kind: "event",
            ts: new Date().toISOString(),
            source: "app@kitchen",
            correlation_id: "c",
            tenant: "default",
            headers: {},
            data: { text: "forged" },
          }),
        ).toString("base64"),
      },
    };
    expect(await store(evil, "dlq.alpha.evil.screen.1-x", JSON.stringify(forged))).toBe(true);
    expect(await store(evil, "dlq.alpha.desk.screen.1-x", JSON.stringify(forged))).toBe(false);
    const replay = await mesh.ask(["events", "dlq", "replay", "--yes", "--json"]);
    expect(JSON.parse(replay.stdout)).toMatchObject({ replay: 0 });
    const retry = await mesh.ask(["events", "retry", forged.dead_letter_id]);
    expect(retry.code).toBe(64);
    await kitchen.publish("ui.notify", { text: "true" });
    await until("the true one came", () => seen.includes("true"));
    expect(seen).toEqual(["true"]);
    await subscription.stop();
  });

  test("cannot make a dead letter, a record or a mark of another's vanish, by any id", async () => {
    const retry = { maxRetries: 0 };
    const subscription = await desk.subscribe("ui.notify", { durable: "letters", retry }, () => {
      throw new RetryableError("no");
    });
    const state = await mesh.asService("alpha", async (nc) =>
      (await nc.jetstreamManager()).streams.info("EVENTS_alpha"),
    );
    // Ids that such a letter was stored under, or could be.
    for (let seq = state.state.last_seq; seq < state.state.last_seq + 20; seq++) {
      const id = `DLQ-EVENTS_alpha-${seq}-desk.letters`;
      await store(evil, `dlq.alpha.evil.x.${seq}`, "{}", id);
    }
    const { eventId } = await kitchen.publish("ui.notify", { text: "lost?" });
    await until("it was given up", () => desk.stats.deadLettered > 0);
    const listed = await mesh.ask(["events", "dlq", "list", "--durable", "letters", "--json"]);
    expect(listed.stdout).toContain(eventId);
    await subscription.stop();
  });

  test("cannot flush what is remembered of handled events", async () => {
    const key = "0".repeat(32);
    expect(await store(evil, `done.alpha.evil.d.${key}`, "")).toBe(true);
    expect(await store(evil, `done.alpha.evil.d.${key}`, "z".repeat(2000))).toBe(false);
    expect(await store(evil, `done.alpha.desk.d.${key}`, "")).toBe(false);
  });

  test("answers only what it may take, and an answer that is none is not taken for one", async () => {
    const mute = await mesh.openMember("alpha/mute");
    const reply = (node: string, id: string): string =>
      `rpy.near.alpha.kitchen.${id}.alpha.${node}.repo.skill.install.v1`;
    expect(await store(mute, reply("mute", "EVT-2"), "{}")).toBe(false);
    await mute.close();
    // It may take the command, and so hears of it, and answers first, with rubbish.
    const asMember = await mesh.connect("alpha/evil");
    let answered = 0;
    await asMember.subscribe("repo.", { durable: "looker" }, silent).catch(silent);
    await asMember.subscribe("repo.skill.install", { durable: "first", answers: false }, async (event) => {
      for (const body of ["", "x", "{}", JSON.stringify({ ...event, kind: "reply" })]) {
        await store(evil, reply("evil", event.event_id), body);
      }
      answered++;
    });
    await desk.subscribe("repo.skill.install", { durable: "installer" }, async () => {
      await until("the rubbish is there", () => answered > 0);
      return INSTALLED;
    });
    const { data, source } = await kitchen.request("repo.skill.install", INSTALL);
    expect([data, source]).toEqual([INSTALLED, "app@desk"]);
  });

  test("does not end the connection of who reads, by headers that are none", async () => {
    const hub = mesh.pid("alpha/hub");
    const givenUp = desk.stats.deadLettered;
    const seen: string[] = [];
    const subscription = await desk.subscribe("ui.", { durable: "headers" }, ({ data }) => {
      seen.push(JSON.stringify(data));
    });
    for (const line of [
      "bad key: x",
      "\0: x",
      "a: b\nNats-Rollup: all",
      "\u00ff\u00fe: x",
      "a: b\rc",
      "::",
    ]) {
      const block = `NATS/1.0\r\n${line}\r\ntraceparent: 00-1-2-01\r\n`;
      evil.nc.publish("evt.alpha.evil.ui.notify.v1", "{}", { headers: toSend(block) });
    }
    await evil.nc.flush();
    await kitchen.publish("ui.notify", { text: "after the headers" });
    await until("what came after arrived", () => seen.includes('{"text":"after the headers"}'));
    await until("the others were given up", () => desk.stats.deadLettered - givenUp >= 6);
    expect(mesh.pid("alpha/hub")).toBe(hub);
    await subscription.stop();
  });

  test("writes nothing to the terminal of who looks, and keeps nobody from the rest", async () => {
    const record = {
      event_id: "EVT-20250923-162000-0123456789ab",
      timestamp: new Date().toISOString(),
      event_type: "ui.notify",
      source: "app@kitchen",
      node: "alpha/evil",
      durable: "x",
      stream: "EVENTS_alpha",
      seq: 1,
      status: "failed",
      error_info: {
        category: "permanent",
        message: "\u001b[2J\u001b]0;owned\u0007 looks fine",
        type: "Error",
        stacktrace: "",
        context: {},
      },
      recovery_actions: [],
    };
    await store(evil, "proc.alpha.evil.x.e1", JSON.stringify(record));
    await store(evil, "proc.alpha.evil.x.e2", JSON.stringify({ ...record, error_info: 7 }));
    await store(
      evil,
      "proc.alpha.evil.x.e3",
      JSON.stringify({ event_id: "a", status: "failed", timestamp: "b" }),
    );
    await store(evil, "dlq.alpha.evil.x.1", JSON.stringify({ dead_letter_id: "a", event_id: "b", at: "c" }));
    await store(evil, "met.alpha.evil.x.2026-11-21T12", JSON.stringify({ counters: "many" }));
    for (const command of ["status", "failed", "retry-candidates", "metrics", "topics"]) {
      const { code, stdout, stderr } = await mesh.ask(["events", command]);
      expect([command, code]).toEqual([command, 0]);
      expect((stdout + stderr).match(COMMANDS)).toBeNull();
    }
    const failed = await mesh.ask(["events", "failed", "--event", "ui."]);
    expect(failed.stdout).toContain("looks fine");
  });
});
