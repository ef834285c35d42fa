import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readSeed } from "@adaos/config";
import { newEventId } from "@adaos/core";
import { connect, headers as newHeaders, nkeyAuthenticator, type StoredMsg } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";
import { type CollectedSpan, OtlpCollector } from "../kit/otlp-collector.ts";

const INTENT = "nlp.intent.detected";
const SUBJECT = `evt.alpha.kitchen.${INTENT}.v1`;
const DATA = { intent: "lights.on", slots: { room: "desk" }, locale: "en" };

/** A trace that a program without any of our code has begun. */
const FOREIGN_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const FOREIGN_SPAN = "00f067aa0ba902b7";

/** Two members in two subnets: the least that an event can cross. */
const SMALL_MESH = `
mesh: untraced
registry: ../schemas/events
subnets:
  alpha:
    export: [nlp.]
    members:
      kitchen: { publish: [nlp.] }
  beta:
    import: [nlp.]
    members:
      desk: { subscribe: [nlp.] }
`;

/** Publishes with the real command line and gives back the id of the event. */
async function publishIntent(mesh: TestMesh): Promise<string> {
  const args = [
    "events",
    "publish",
    INTENT,
    "--data",
    JSON.stringify(DATA),
    "--as",
    "alpha/kitchen",
    "--json",
  ];
  const { code, stdout, stderr } = await mesh.adaos(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return (JSON.parse(stdout) as { event_id: string }).event_id;
}

/** Publishes as the kitchen, without any of our code and with these headers. Gives back the id of the event. */
async function publishForeign(mesh: TestMesh, fields: Readonly<Record<string, string>>): Promise<string> {
  const eventId = newEventId(Date.now());
  const headers = newHeaders();
  for (const [key, value] of Object.entries(fields)) headers.set(key, value);
  const seed = new TextEncoder().encode(readSeed(join(mesh.state, "keys/alpha/members/kitchen.nk")));
  const nc = await connect({
    servers: mesh.server("alpha").url,
    authenticator: nkeyAuthenticator(seed),
    inboxPrefix: "_INBOX_kitchen",
  });
  const envelope = {
    event_id: eventId,
    event_name: INTENT,
    version: 1,
    kind: "event",
    ts: new Date().toISOString(),
    source: "foreign@kitchen",
    correlation_id: eventId,
    tenant: "default",
    headers: {},
    data: DATA,
  };
  await nc.request(SUBJECT, JSON.stringify(envelope), { headers, timeout: 10_000 });
  await nc.close();
  return eventId;
}

/** Waits until the event lies in this stream and gives back the message. */
async function stored(mesh: TestMesh, of: string, eventId: string): Promise<StoredMsg> {
  const { url, seedFile } = mesh.server(of);
  const nc = await connect({
    servers: url,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(readSeed(seedFile))),
  });
  try {
    const { streams } = await nc.jetstreamManager();
    const stream = of === "root" ? "MESH" : `EVENTS_${of}`;
    let found: StoredMsg | undefined;
    await until(`${eventId} is stored at ${of}`, async () => {
      const last = await streams.getMessage(stream, { last_by_subj: SUBJECT }).catch(() => undefined);
      found = last?.json<{ event_id: string }>().event_id === eventId ? last : undefined;
      return found !== undefined;
    });
    if (found === undefined) throw new Error("unreachable");
    return found;
  } finally {
    await nc.close();
  }
}

/** Script files that the processes of a mesh have loaded by the time they end, as V8 wrote them down. */
function loadedScripts(coverageDir: string): string[][] {
  return readdirSync(coverageDir).map((file) => {
    const { result } = JSON.parse(readFileSync(join(coverageDir, file), "utf8")) as {
      result: { url: string }[];
    };
    return result.map(({ url }) => url);
  });
}

const isSdk = (url: string): boolean => /node_modules\/@opentelemetry\/(?!api\/)/.test(url);
const isDaemon = (scripts: readonly string[]): boolean =>
  scripts.some((url) => /\/bundle\/(root|hub|member)\.cjs$/.test(url));

function only<Item>(items: readonly Item[]): Item {
  const [first, ...more] = items;
  if (first === undefined || more.length > 0) throw new Error(`expected one, got ${JSON.stringify(items)}`);
  return first;
}

describe("with an OTLP endpoint", () => {
  let collector: OtlpCollector;
  /** It is to have the spans of beta/desk alone. */
  let langfuse: OtlpCollector;
  let mesh: TestMesh;
  const coverageDir = mkdtempSync(join(tmpdir(), "adaos-test-scripts-"));

  beforeAll(async () => {
    collector = await OtlpCollector.start();
    langfuse = await OtlpCollector.start("/api/public/otel/v1/traces");
    const keyFile = `${coverageDir}.key`;
    writeFileSync(keyFile, "pk-lf-1:sk-lf-2", { mode: 0o600 });
    const tracing = { langfuse: { host: langfuse.endpoint, keyFile, components: ["beta/desk"] } };
    const yaml = `${readFileSync(join(HOME, "deploy/mesh.yaml"), "utf8")}\ntracing: ${JSON.stringify(tracing)}\n`;
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: "100" };
    mesh = await TestMesh.start({ yaml, env: { ...env, NODE_V8_COVERAGE: coverageDir } });
  });

  afterAll(async () => {
    await mesh?.stop();
    await collector?.stop();
    await langfuse?.stop();
    rmSync(`${coverageDir}.key`, { force: true });
    rmSync(coverageDir, { recursive: true, force: true });
  });

  /** Waits for the five spans of an event that alpha/kitchen publishes: speaker and desk handle it. */
  async function spansOf(eventId: string, count: number): Promise<CollectedSpan[]> {
    await until(`${count} spans of ${eventId}`, () => collector.spansOf(eventId).length >= count);
    return collector.spansOf(eventId);
  }

  const named = (spans: readonly CollectedSpan[], operation: string): CollectedSpan[] =>
    spans.filter(({ name }) => name === `${operation} ${INTENT}`);

  test("an event is one trace from the publisher over both links into the handler", async () => {
    const eventId = await publishIntent(mesh);
    const spans = await spansOf(eventId, 5);
    const publish = only(named(spans, "publish"));
    const up = only(named(spans, "link up"));
    const down = only(named(spans, "link down"));
    const atDesk = only(named(spans, "process").filter(({ parentSpanId }) => parentSpanId === down.spanId));
    const atSpeaker = only(
      named(spans, "process").filter(({ parentSpanId }) => parentSpanId === publish.spanId),
    );
    expect(new Set(spans)).toEqual(new Set([publish, up, down, atDesk, atSpeaker]));
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(publish.parentSpanId).toBe("");
    expect(up.parentSpanId).toBe(publish.spanId);
    expect(down.parentSpanId).toBe(up.spanId);
    const path = [publish, up, down, atDesk];
    expect(path.map(({ kind }) => kind)).toEqual(["PRODUCER", "CONSUMER", "PRODUCER", "CONSUMER"]);
    const services = ["adaos-cli", "adaos-root", "adaos-root", "adaos-member"];
    expect(path.map(({ serviceName }) => serviceName)).toEqual(services);
    expect(path.map(({ attributes }) => attributes["messaging.operation.name"])).toEqual([
      "publish",
      "link up",
      "link down",
      "process",
    ]);
    expect(path.map(({ attributes }) => attributes["messaging.operation.type"])).toEqual([
      "send",
      "process",
      "send",
      "process",
    ]);
    expect([up, down].map(({ attributes }) => attributes["adaos.subnet"])).toEqual(["alpha", "beta"]);
    expect(atDesk.attributes["messaging.consumer.group.name"]).toBe("journal-nlp");
    for (const { attributes } of spans) {
      expect(attributes).toMatchObject({
        "messaging.system.name": "nats",
        "messaging.destination.name": SUBJECT,
        "messaging.destination.template": INTENT,
        "messaging.message.id": eventId,
        "messaging.message.conversation_id": eventId,
      });
      expect(attributes["messaging.message.body.size"]).toBeGreaterThan(200);
    }
  });

  test("LangFuse has the spans of the component that it is to have, and no others", async () => {
    const eventId = await publishIntent(mesh);
    await until("it has its span", () => langfuse.spansOf(eventId).length > 0);
    expect(langfuse.spans.filter(({ node }) => node !== "beta/desk")).toEqual([]);
    const [span] = langfuse.spansOf(eventId);
    await spansOf(eventId, 5);
    expect(collector.spansOf(eventId).find(({ node }) => node === "beta/desk")).toEqual(span);
    expect(langfuse.headers[0]).toMatchObject({
      authorization: `Basic ${Buffer.from("pk-lf-1:sk-lf-2").toString("base64")}`,
      "x-langfuse-ingestion-version": "4",
    });
    expect(langfuse.rejected).toEqual([]);
  });

  test("the stored event names the span that put it there", async () => {
    const eventId = await publishIntent(mesh);
    const spans = await spansOf(eventId, 5);
    for (const [of, operation] of [
      ["alpha", "publish"],
      ["root", "link up"],
      ["beta", "link down"],
    ] as const) {
      const { traceId, spanId } = only(named(spans, operation));
      const { header } = await stored(mesh, of, eventId);
      expect(header.get("traceparent")).toBe(`00-${traceId}-${spanId}-01`);
    }
  });

  test("a trace that somebody else began goes on", async () => {
    const eventId = await publishForeign(mesh, { traceparent: `00-${FOREIGN_TRACE}-${FOREIGN_SPAN}-01` });
    const spans = await spansOf(eventId, 4);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([FOREIGN_TRACE]));
    expect(only(named(spans, "link up")).parentSpanId).toBe(FOREIGN_SPAN);
  });

  test("a trace that somebody else chose not to sample stays unsampled and unbroken", async () => {
    const eventId = await publishForeign(mesh, { traceparent: `00-${FOREIGN_TRACE}-${FOREIGN_SPAN}-00` });
    const { header } = await stored(mesh, "beta", eventId);
    expect(header.get("traceparent")).toMatch(new RegExp(`^00-${FOREIGN_TRACE}-[0-9a-f]{16}-00$`));
    // A later event's spans are there: those of this one would be too.
    await spansOf(await publishIntent(mesh), 5);
    expect(collector.spansOf(eventId)).toEqual([]);
  });

  test("a traceparent that is none begins a trace at the link", async () => {
    const eventId = await publishForeign(mesh, { traceparent: "00-nonsense-01" });
    const spans = await spansOf(eventId, 4);
    const up = only(named(spans, "link up"));
    expect(up.parentSpanId).toBe("");
    expect(only(named(spans, "link down"))).toMatchObject({ traceId: up.traceId, parentSpanId: up.spanId });
  });

  test("every daemon has loaded the SDK, and the collector understood every export", async () => {
    expect(collector.rejected).toEqual([]);
    expect((await mesh.adaos(["down"])).code).toBe(0);
    const daemons = loadedScripts(coverageDir).filter(isDaemon);
    expect(daemons.length).toBeGreaterThanOrEqual(7);
    for (const scripts of daemons) expect(scripts.some(isSdk)).toBe(true);
  });
});

describe("without an OTLP endpoint", () => {
  let mesh: TestMesh;
  const coverageDir = mkdtempSync(join(tmpdir(), "adaos-test-scripts-"));

  beforeAll(async () => {
    const none = { OTEL_EXPORTER_OTLP_ENDPOINT: "", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "" };
    mesh = await TestMesh.start({ yaml: SMALL_MESH, env: { ...none, NODE_V8_COVERAGE: coverageDir } });
  });

  afterAll(async () => {
    await mesh?.stop();
    rmSync(coverageDir, { recursive: true, force: true });
  });

  test("no trace context is added anywhere on the way", async () => {
    const eventId = await publishIntent(mesh);
    for (const of of ["alpha", "root", "beta"]) {
      const { header } = await stored(mesh, of, eventId);
      expect([of, [...header.keys()]]).toEqual([of, ["Nats-Msg-Id"]]);
    }
  });

  test("somebody else's trace context passes as it is", async () => {
    const fields = {
      traceparent: `00-${FOREIGN_TRACE}-${FOREIGN_SPAN}-01`,
      tracestate: "vendor=opaque,other=1",
      baggage: "user=ada",
    };
    const eventId = await publishForeign(mesh, fields);
    for (const of of ["root", "beta"]) {
      const { header } = await stored(mesh, of, eventId);
      const found = [...header].map(([key, [value]]) => [key, value]);
      expect(Object.fromEntries(found)).toEqual({
        "Nats-Msg-Id": expect.stringContaining(eventId),
        ...fields,
      });
    }
  });

  test("no daemon has loaded the SDK", async () => {
    expect((await mesh.adaos(["down"])).code).toBe(0);
    const processes = loadedScripts(coverageDir);
    expect(processes.filter(isDaemon).length).toBeGreaterThanOrEqual(5);
    expect(processes.flat().filter(isSdk)).toEqual([]);
  });
});

describe("OtlpCollector", () => {
  test("reads JSON as it reads protobuf, packed or not", async () => {
    const collector = await OtlpCollector.start();
    const span = {
      traceId: FOREIGN_TRACE,
      spanId: FOREIGN_SPAN,
      name: "publish",
      kind: 4,
      attributes: [
        { key: "text", value: { stringValue: "a" } },
        { key: "whole", value: { intValue: "7" } },
        { key: "list", value: { arrayValue: { values: [{ boolValue: true }, { doubleValue: 0.5 }] } } },
      ],
    };
    const resource = { attributes: [{ key: "service.name", value: { stringValue: "foreign" } }] };
    const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
    const headers = { "content-type": "application/json" };
    const post = (init: RequestInit): Promise<Response> =>
      fetch(`${collector.endpoint}/v1/traces`, { method: "POST", ...init });
    expect((await post({ headers, body })).status).toBe(200);
    const packed = { ...headers, "content-encoding": "gzip" };
    expect((await post({ headers: packed, body: gzipSync(body) })).status).toBe(200);
    expect((await post({ headers, body: "not json" })).status).toBe(400);
    const expected: CollectedSpan = {
      traceId: FOREIGN_TRACE,
      spanId: FOREIGN_SPAN,
      parentSpanId: "",
      name: "publish",
      kind: "PRODUCER",
      attributes: { text: "a", whole: 7, list: [true, 0.5] },
      serviceName: "foreign",
      node: "",
    };
    expect(collector.spans).toEqual([expected, expected]);
    await collector.stop();
  });
});
