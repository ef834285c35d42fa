import { type Envelope, fromCloudEvent } from "@adaos/core";
import { decodeCloudEvent, encodeCloudEvent } from "@adaos/core/wire";
import { headers as newHeaders } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ForeignNats } from "../kit/foreign-nats.ts";
import { type CliRun, TestMesh, until } from "../kit/mesh.ts";

let mesh: TestMesh;
let foreign: ForeignNats;
beforeAll(async () => {
  [mesh, foreign] = await Promise.all([TestMesh.start(), ForeignNats.start()]);
  await foreign.addStream("IN", "shop.in");
  await foreign.addStream("REFUSED", "shop.refused");
  await foreign.addStream("OUT", "shop.out");
});
afterAll(async () => {
  await foreign?.stop();
  await mesh?.stop();
});

/** Begins `adaos bridge cloudevents`; ready once it says so. */
async function bridge(...args: readonly string[]): Promise<CliRun> {
  const run = mesh.begin(["bridge", "cloudevents", "--url", foreign.url, "--as", "alpha/kitchen", ...args]);
  let out = "";
  run.child.stdout?.on("data", (chunk) => (out += String(chunk)));
  let ended = false;
  void run.result.then(() => (ended = true));
  await until("the bridge runs", () => out.includes("bridging") || ended, 60_000);
  if (ended) throw new Error((await run.result).stderr);
  return run;
}

async function end(run: CliRun, signal: "SIGTERM" | "SIGKILL"): Promise<{ code: number; stderr: string }> {
  run.child.kill(signal);
  return run.result;
}

const cloudEvent = (id: string, more: object = {}) => ({
  specversion: "1.0" as const,
  id,
  source: "/shop",
  type: "com.shop.Told",
  subject: `order ${id}`,
  data: { text: id },
  ...more,
});
const MAP = ["--map", "com.shop.Told=ui.notify@1"];

/** Sends to the foreign server as anybody would. */
async function send(
  subject: string,
  event: object,
  mode: "structured" | "binary" = "structured",
): Promise<void> {
  const { headers, body } = encodeCloudEvent(event as ReturnType<typeof cloudEvent>, mode);
  const made = newHeaders();
  for (const [name, value] of Object.entries(headers)) made.set(name, value);
  foreign.nc.publish(subject, body, { headers: made });
  await foreign.nc.flush();
}

async function collect(durable: string): Promise<Envelope[]> {
  const lamp = await mesh.connect("beta/lamp");
  const seen: Envelope[] = [];
  // Twice handled would be seen twice.
  await lamp.subscribe("ui.notify", { durable, idempotency: "off" }, (event) => void seen.push(event));
  return seen;
}

describe("adaos bridge cloudevents --in", () => {
  test("carries what a stream holds into the mesh, once each, however often it is killed", async () => {
    const seen = await collect("bridge-in");
    const ids = Array.from({ length: 300 }, (_, i) => `n${i}`);
    for (const [i, id] of ids.entries())
      await send("shop.in", cloudEvent(id), i % 2 === 0 ? "structured" : "binary");
    const args = ["--in", "shop.in", "--refused", "shop.refused", ...MAP];
    for (const part of [0.2, 0.6]) {
      const run = await bridge(...args);
      await until("it has carried some", () => seen.length >= ids.length * part, 60_000);
      await end(run, "SIGKILL");
    }
    const run = await bridge(...args);
    await until(
      "all have come",
      () => new Set(seen.map(({ data }) => (data as { text: string }).text)).size === ids.length,
      60_000,
    );
    const { manager } = { manager: await foreign.nc.jetstreamManager() };
    await until(
      "all are acknowledged",
      async () => {
        const { num_ack_pending, num_pending } = await manager.consumers.info("IN", "cloudevents");
        return num_ack_pending + num_pending === 0;
      },
      60_000,
    );
    expect(seen).toHaveLength(ids.length);
    expect(new Set(seen.map(({ event_id }) => event_id)).size).toBe(ids.length);
    expect(seen[0]).toMatchObject({
      source: "bridge@kitchen",
      headers: {
        "ce-id": expect.any(String),
        "ce-source": "/shop",
        "ce-type": "com.shop.Told",
        "ce-subject": expect.any(String),
      },
    });
    expect((await end(run, "SIGTERM")).code).toBe(0);
  });

  test("puts what the mesh refuses where it is told to, byte for byte, and goes on", async () => {
    const seen = await collect("bridge-refused");
    const run = await bridge("--in", "shop.in", "--refused", "shop.refused", ...MAP);
    await send("shop.in", cloudEvent("bad", { data: { text: 7 } }));
    await send("shop.in", cloudEvent("xml", { datacontenttype: "text/xml", data: "<a/>" }));
    await send("shop.in", cloudEvent("forbidden", { type: "repo.skill.installed.v1" }));
    foreign.nc.publish("shop.in", "no event at all");
    await send("shop.in", cloudEvent("good"));
    await until("the good one has come", () =>
      seen.some(({ data }) => (data as { text: string }).text === "good"),
    );
    await until("the others are there", async () => (await foreign.count("REFUSED")) === 4);
    const refused = await foreign.messages("REFUSED");
    expect(refused.map(({ headers }) => headers["Adaos-Refused"])).toEqual([
      expect.stringContaining("/text must be string"),
      expect.stringContaining("text/xml"),
      expect.stringContaining("default-deny"),
      expect.stringContaining("no CloudEvent in JSON"),
    ]);
    expect(new TextDecoder().decode(refused[3]?.body)).toBe("no event at all");
    const { stderr, code } = await end(run, "SIGTERM");
    expect(code).toBe(0);
    expect(stderr.match(/refused IN \d+/g)).toHaveLength(4);
  });

  test("says that core NATS is at most once, and tells what is lost", async () => {
    const seen = await collect("bridge-core");
    const run = await bridge("--in", "core.in", ...MAP);
    await send("core.in", cloudEvent("wrong", { data: {} }));
    await send("core.in", cloudEvent("right"));
    await until("it has come", () => seen.some(({ data }) => (data as { text: string }).text === "right"));
    const { stderr } = await end(run, "SIGTERM");
    expect(stderr).toMatch(/no stream of the server holds core\.in: at most once/);
    expect(stderr).toMatch(/lost: ui\.notify@1 breaks its schema/);
  });

  test("ends, and says so, when its durable is deleted, and when there is no server", async () => {
    const run = await bridge("--in", "shop.in", "--durable", "short", ...MAP);
    await (await foreign.nc.jetstreamManager()).consumers.delete("IN", "short");
    const { code, stderr } = await run.result;
    expect(stderr).toMatch(/the durable short of the stream IN is gone/);
    expect(code).toBe(69);
    const nobody = [
      "bridge",
      "cloudevents",
      "--url",
      "nats://127.0.0.1:1",
      "--as",
      "alpha/kitchen",
      "--in",
      "a.b",
    ];
    expect((await mesh.adaos(nobody)).code).toBe(69);
  });

  test("says nothing over tls:// to a server without TLS", async () => {
    const url = foreign.url.replace("nats:", "tls:");
    const args = ["bridge", "cloudevents", "--url", url, "--as", "alpha/kitchen", "--in", "shop.in"];
    const { code, stderr } = await mesh.adaos(args);
    expect(stderr).toMatch(/speaks no TLS/);
    expect(code).toBe(77);
  });

  test.each([
    [[], /nothing to carry/],
    [["--out", "ui."], /need each other/],
    [["--in", "a.b", "--out", "ui.", "--subject", "a.b"], /go in a circle/],
    [["--in", "shop.in", "--refused", "nobody.listens"], /no stream of the server holds --refused/],
    [["--in", "shop.in", "--map", "x=ui.notify"], /version/],
    [["--in", "shop.>", "--refused", "shop.refused"], /go in a circle/],
    [["--in", "shop.in", "--clearance", "all"], /secret, pii/],
    [["--in", "shop.in", "--url", "nats://192.0.2.7:4222"], /--allow-plain/],
  ])("refuses %j", async (args, wanted) => {
    const run = await mesh.ask([
      "bridge",
      "cloudevents",
      "--url",
      foreign.url,
      "--as",
      "alpha/kitchen",
      ...args,
    ]);
    expect(run.code).toBe(64);
    expect(run.stderr).toMatch(wanted);
  });
});

describe("adaos bridge cloudevents --out", () => {
  test("sends events of the mesh to a stream, once each, however often it is killed", async () => {
    const args = [
      "--out",
      "ui.notify",
      "ui.toast.",
      "--subject",
      "shop.out",
      "--mode",
      "binary",
      "--durable",
      "out",
    ];
    const first = await bridge(...args);
    const desk = await mesh.connect("beta/desk");
    const published: string[] = [];
    const publish = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++)
        published.push((await desk.publish("ui.notify", { text: `o${published.length}` })).eventId);
    };
    await publish(100);
    await until("it has sent some", async () => (await foreign.count("OUT")) >= 20, 60_000);
    await end(first, "SIGKILL");
    await publish(100);
    const second = await bridge(...args);
    await until("it has sent more", async () => (await foreign.count("OUT")) >= 120, 60_000);
    await end(second, "SIGKILL");
    const third = await bridge(...args);
    await until("all are there", async () => (await foreign.count("OUT")) >= published.length, 60_000);
    const messages = await foreign.messages("OUT");
    expect(messages.map(({ headers }) => headers["ce-id"]).toSorted()).toEqual(published.toSorted());
    const [message] = messages;
    expect(message?.headers).toMatchObject({
      "ce-type": "ui.notify.v1",
      "ce-source": "app@desk",
      "ce-datacontenttype": "application/json",
    });
    expect(message && fromCloudEvent(decodeCloudEvent(message))).toMatchObject({
      event_name: "ui.notify",
      data: { text: "o0" },
    });
    expect((await end(third, "SIGTERM")).code).toBe(0);
  });
});
