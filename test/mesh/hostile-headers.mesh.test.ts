import { checkEnvelope, encodeEnvelope, newEventId } from "@adaos/core";
import { deadLetterStream, eventsStream, PARKED_EVENTS, parkedStream } from "@adaos/core/wire";
import { type Connection, HeaderReader, storedMessages } from "@adaos/transport-nats";
import { headers as newHeaders } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const YAML = `
mesh: headers
registry: ../schemas/events
subnets:
  alpha:
    export: [ui.]
    members:
      evil: { publish: [ui.] }
  beta:
    import: [ui.]
    members:
      desk: { publish: [ui.], subscribe: [ui.] }
      lamp: { publish: [ui.] }
`;

let mesh: TestMesh;
let evil: Connection;
let lamp: Connection;

/** An event as a node would publish it. */
function eventOf(node: string, name: string, data: object): Uint8Array {
  const id = newEventId(Date.now());
  return encodeEnvelope(
    checkEnvelope({
      event_id: id,
      event_name: name,
      version: 1,
      kind: "event",
      ts: new Date().toISOString(),
      source: `app@${node}`,
      correlation_id: id,
      tenant: "default",
      headers: {},
      data,
    }),
  );
}

async function store(
  as: Connection,
  subject: string,
  body: Uint8Array,
  mimicked: Readonly<Record<string, string>>,
): Promise<void> {
  const headers = newHeaders();
  for (const [key, value] of Object.entries(mimicked)) headers.set(key, value);
  const answer = await as.nc.request(subject, body, { timeout: 5000, headers });
  expect(answer.json<{ error?: unknown }>().error).toBeUndefined();
}

beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: YAML });
  evil = await mesh.openMember("alpha/evil");
  lamp = await mesh.openMember("beta/lamp");
});

afterAll(async () => {
  await evil?.close();
  await lamp?.close();
  await mesh?.stop();
});

describe("headers that a member stores and that look like those of a server", () => {
  const PLACE = { "Nats-Sequence": "1", "Nats-Time-Stamp": "2020-01-01T00:00:00Z" };

  test("do not park another's event, nor keep those of others from being parked", async () => {
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("ui.", { durable: "mimicry" }, () => undefined);
    const hub = mesh.pid("beta/hub");
    // What is asked for together is read together.
    process.kill(hub, "SIGSTOP");
    const event = "ui.unheard";
    await store(lamp, `evt.beta.lamp.${event}.v1`, eventOf("lamp", event, {}), {
      "Nats-Subject": `evt.alpha.lamp.${event}.v1`,
    });
    await store(lamp, `evt.beta.lamp.${event}.v1`, eventOf("lamp", event, {}), { "Nats-Sequence": "9000" });
    await store(lamp, `evt.beta.lamp.${event}.v1`, eventOf("lamp", event, {}), {});
    process.kill(hub, "SIGCONT");
    await until("they are parked", () => desk.stats.parked === 3);
    const subjects = await mesh.asService("beta", async (nc) => {
      const jsm = await nc.jetstreamManager();
      const { state } = await jsm.streams.info(parkedStream("beta"), { subjects_filter: PARKED_EVENTS });
      return Object.keys(state.subjects ?? {});
    });
    expect(subjects).toHaveLength(3);
    for (const subject of subjects) expect(subject).toContain(`.beta.lamp.${event}.v1`);
  });

  test("do not move a reader of what is stored", async () => {
    const letter = new TextEncoder().encode("{}");
    await store(lamp, "dlq.beta.lamp.own.1", letter, { ...PLACE, "Nats-Subject": "dlq.beta.desk.own.9" });
    const keeper = await mesh.openService("beta");
    try {
      const found: string[] = [];
      for await (const { subject } of storedMessages(keeper, deadLetterStream("beta"), "dlq.beta.lamp.>"))
        if (found.push(subject) > 10) break;
      expect(found).toEqual(["dlq.beta.lamp.own.1"]);
    } finally {
      await keeper.close();
    }
  });

  test("do not make what a member stores smaller than it is", async () => {
    const body = new Uint8Array(100_000);
    for (const size of ["-1000000000", "x", "0"])
      await store(evil, "evt.alpha.evil.ui.size.v1", body, { "Nats-Msg-Size": size });
    const keeper = await mesh.openService("alpha");
    try {
      const jsm = await keeper.nc.jetstreamManager();
      const reader = new HeaderReader(keeper, jsm, eventsStream("alpha"), ["evt.alpha.evil.ui.size.v1"]);
      const { messages } = await reader.next(1);
      await reader.close();
      expect(messages).toHaveLength(3);
      for (const { bytes } of messages) expect(bytes).toBeGreaterThan(100_000);
    } finally {
      await keeper.close();
    }
  });
});
