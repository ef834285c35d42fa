import type { Bus } from "@adaos/client";
import { type MeshError, newEventId } from "@adaos/core";
import { formatReplySubject, inboxPrefix, REPLY_PROOF_HEADER } from "@adaos/core/wire";
import type { Connection } from "@adaos/transport-nats";
import { headers as newHeaders } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const YAML = `
mesh: hostile-member
registry: ../schemas/events
subnets:
  alpha:
    members:
      hall: { publish: [ui., repo.] }
      desk: { publish: [ui.], subscribe: [ui., repo.skill.install] }
      evil: { publish: [ui.], subscribe: [ui., repo.skill.install] }
`;
const INSTALL = { skill: "weather", version: "1.2.0" };
const INSTALLED = { ...INSTALL, status: "installed" };

/** It knows every name and every id, has its rights on the server, and nothing of what the library checks. */
describe("a member with a client of its own", () => {
  let mesh: TestMesh;
  let hall: Bus;
  let desk: Bus;
  let evil: Connection;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
    hall = await mesh.connect("alpha/hall");
    desk = await mesh.connect("alpha/desk");
    evil = await mesh.openMember("alpha/evil");
  });
  afterAll(async () => {
    await evil.close();
    await mesh.stop();
  });

  const tell = (what: string, tries: number, through: number): void => {
    process.stdout.write(`${what}: ${tries} tries, ${through} through\n`);
  };

  test("has no answer sent to another, whichever service it asks and whatever reply subject it names", async () => {
    // Its victim as it is at its most open: it hears all that its rights let it hear.
    const victim = await mesh.openMember("alpha/hall");
    const heard: string[] = [];
    for (const filter of [`${inboxPrefix("hall")}.>`, "got.*.alpha.hall.>"]) {
      victim.nc.subscribe(filter, { callback: (_, { subject }) => void heard.push(subject) });
    }
    await victim.nc.flush();
    const id = newEventId(Date.now());
    const targets = [
      `${inboxPrefix("hall")}.x`,
      `got.near.alpha.hall.${id}.alpha.desk.repo.skill.install.v1`,
      `got.far.alpha.hall.${id}.beta.desk.repo.skill.install.v1`,
      `rpy.near.alpha.hall.${id}.alpha.desk.repo.skill.install.v1`,
      "evt.alpha.desk.ui.notify.v1",
      // Its own account imports this one; its rights do not allow it.
      "evt.alpha.evil.repo.skill.install.v1",
      "dlq.alpha.desk.screen.x",
      "proc.alpha.desk.screen.x",
      "svc.hub.desk.durable",
    ];
    const body = JSON.stringify({ made: "up" });
    await evil.nc.request("done.alpha.evil.x.k", body);
    await evil.nc.request("proc.alpha.evil.x.k", body);
    const durable = {
      durable: "x",
      pattern: "ui.",
      from: {},
      maxAckPending: 100,
      startAt: "all",
      answers: false,
    };
    await evil.nc.request("svc.hub.evil.durable", JSON.stringify(durable), { timeout: 10_000 });
    await hall.publish("ui.notify", { text: "to pull" });
    const ways: [subject: string, body: string, headers?: Record<string, string>][] = [
      ["evt.alpha.evil.ui.notify.v1", body],
      [
        "evt.alpha.evil.ui.notify.v1",
        body,
        { "Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1" },
      ],
      ["evt.alpha.evil.ui.notify.v1", body, { "Nats-Expected-Last-Sequence": "1" }],
      ["$JS.API.DIRECT.GET.DONE_alpha_evil", JSON.stringify({ last_by_subj: "done.alpha.evil.x.k" })],
      ["$JS.API.DIRECT.GET.DONE_alpha_evil", JSON.stringify({ multi_last: ["done.alpha.evil.>"] })],
      ["$JS.API.DIRECT.GET.PROCESSING_alpha.proc.alpha.evil.x.k", ""],
      ["$JS.API.CONSUMER.INFO.EVENTS_alpha.evil_x", ""],
      ["$JS.API.CONSUMER.MSG.NEXT.EVENTS_alpha.evil_x", JSON.stringify({ batch: 5, expires: 1e9 })],
      ["$JS.ACK.EVENTS_alpha.evil_x.1.1.1.1.0", "+NXT"],
      ["rpy.near.alpha.desk.EVT-1.alpha.evil.repo.skill.install.v1", body],
      ...["durable", "handlers", "reply", "registry", "parked", "release"].map(
        (service): [string, string] => [
          `svc.hub.evil.${service}`,
          JSON.stringify(service === "durable" ? durable : { durable: "x", requestId: "EVT-1", after: 0 }),
        ],
      ),
    ];
    for (const reply of targets) {
      for (const [subject, payload, fields = {}] of ways) {
        const headers = newHeaders();
        for (const [key, value] of Object.entries(fields)) headers.set(key, value);
        evil.nc.publish(subject, payload, { reply, headers });
      }
    }
    await evil.nc.flush();
    // The hub answers its members in turn.
    await until("the hub has answered", () =>
      evil.nc.request("svc.hub.evil.parked", "{}", { timeout: 2000 }).then(
        () => true,
        () => false,
      ),
    );
    // What is published last has overtaken nothing.
    await hall.publish("ui.notify", { text: "behind it all" });
    await victim.nc.flush();
    const stored = (await storedSubjects()).filter((subject) => targets.includes(subject));
    const asked = (await consumers()).filter((name) => name.startsWith("desk_x"));
    const through = [...heard.filter((subject) => targets.includes(subject)), ...stored, ...asked];
    tell("answers sent elsewhere", targets.length * ways.length, through.length);
    expect(through).toEqual([]);
    await victim.close();
  });

  /** Every subject that any stream of the subnet holds. */
  async function storedSubjects(): Promise<string[]> {
    return mesh.asService("alpha", async (nc) => {
      const jsm = await nc.jetstreamManager();
      const found: string[] = [];
      for await (const { config } of jsm.streams.list()) {
        const { state } = await jsm.streams.info(config.name, { subjects_filter: ">" });
        found.push(...Object.keys(state.subjects ?? {}));
      }
      return found;
    });
  }

  async function consumers(): Promise<string[]> {
    return mesh.asService("alpha", async (nc) => {
      const jsm = await nc.jetstreamManager();
      const found: string[] = [];
      for await (const { name } of jsm.consumers.list("EVENTS_alpha")) found.push(name);
      return found;
    });
  }

  test("hears nothing of what others are told, whatever it subscribes", async () => {
    const heard: string[] = [];
    const open = await mesh.openMember("alpha/evil");
    const filters = [
      ">",
      "*",
      "*.*",
      "*.>",
      "got.>",
      "rpy.>",
      "evt.>",
      "_INBOX.>",
      "_R_.>",
      "$JS.>",
      "$SYS.>",
    ];
    filters.push(`${inboxPrefix("hall")}.>`, `${inboxPrefix("hub")}.>`, "got.*.alpha.hall.>", "svc.hub.>");
    for (const filter of filters) {
      open.nc.subscribe(filter, {
        callback: (error, msg) => void (error === null && heard.push(msg.subject)),
      });
    }
    const handled = await desk.subscribe("repo.skill.install", { durable: "installer" }, () => INSTALLED);
    for (let i = 0; i < 20; i++) await hall.request("repo.skill.install", INSTALL);
    await handled.stop();
    await open.nc.flush().catch(() => undefined);
    tell("subscriptions to others' subjects", filters.length, heard.length);
    expect(heard).toEqual([]);
    await open.close();
  });

  test("is not taken for who answers, though it may take the command and knows the request's id", async () => {
    let forged = 0;
    const handler = await desk.subscribe("repo.skill.install", { durable: "installer" }, async (event) => {
      const subject = formatReplySubject({
        requester: { subnet: "alpha", node: "hall" },
        requestId: event.event_id,
        responder: { subnet: "alpha", node: "evil" },
        name: "repo.skill.install",
        version: 1,
      });
      const envelope = {
        ...event,
        event_name: "repo.skill.install.result",
        kind: "reply",
        event_id: newEventId(Date.now()),
        causation_id: event.event_id,
        source: "app@evil",
        headers: {},
        data: { ...INSTALLED, version: "6.6.6" },
      };
      for (const proof of [undefined, "", "A".repeat(43), "x"]) {
        const headers = newHeaders();
        if (proof !== undefined) headers.set(REPLY_PROOF_HEADER, proof);
        await evil.nc.request(subject, JSON.stringify(envelope), { headers, timeout: 5000 });
        forged++;
      }
      return INSTALLED;
    });
    const replies = [];
    for (let i = 0; i < 5; i++) replies.push(await hall.request("repo.skill.install", INSTALL));
    const taken = replies.filter(({ source }) => source !== "app@desk");
    tell("forged replies", forged, taken.length);
    expect([forged, taken]).toEqual([20, []]);
    await handler.stop();
  });

  test("has so many connections and subscriptions, and no more", async () => {
    const connections: Connection[] = [];
    const refused = await (async () => {
      while (connections.length < 80) connections.push(await mesh.openMember("alpha/evil"));
    })().catch((thrown: MeshError) => thrown.code);
    // Its daemon has one, and this test.
    expect([connections.length, refused]).toEqual([62, expect.stringContaining("unavailable")]);
    const others = await mesh.openMember("alpha/hall");
    await others.nc.flush();
    await others.close();
    const [first] = connections;
    for (let i = 0; i < 1500; i++) first?.nc.subscribe(`${inboxPrefix("evil")}.${i}`);
    await first?.nc.flush().catch(() => undefined);
    const { connections: told } = await mesh.monitor<{ connections: { subscriptions: number }[] }>(
      "alpha",
      "CONNZ",
      {
        acc: "MEMBER_evil",
      },
    );
    expect(Math.max(...told.map(({ subscriptions }) => subscriptions))).toBeLessThanOrEqual(1000);
    await Promise.all(connections.map((connection) => connection.close()));
  });

  test("keeps nobody from publishing by batches that it leaves open", async () => {
    for (let i = 0; i < 200; i++) {
      const headers = newHeaders();
      headers.set("Nats-Batch-Id", `open-${i}`);
      headers.set("Nats-Batch-Sequence", "1");
      evil.nc.publish("evt.alpha.evil.ui.notify.v1", "{}", { headers });
    }
    await evil.nc.flush();
    const startMs = Date.now();
    const published = await Promise.all(
      Array.from({ length: 500 }, (_, i) => hall.publish("ui.notify", { text: `beside ${i}` })),
    );
    process.stdout.write(`500 events beside 200 open batches: ${Date.now() - startMs} ms\n`);
    expect(new Set(published.map(({ seq }) => seq)).size).toBe(500);
    await until("open batches are given up", async () => {
      const startedMs = Date.now();
      await Promise.all(
        Array.from({ length: 500 }, (_, i) => hall.publish("ui.notify", { text: `after ${i}` })),
      );
      return Date.now() - startedMs < 2000;
    });
  });
});
