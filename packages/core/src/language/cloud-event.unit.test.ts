import { HTTP, CloudEvent as Reference } from "cloudevents";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CloudEvent, fromCloudEvent, toCloudEvent } from "./cloud-event.ts";
import { type CloudEventMode, decodeCloudEvent, encodeCloudEvent } from "./cloud-event-message.ts";
import { checkEnvelope, type Envelope } from "./envelope.ts";

const printable = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text) && text.trim() === text);
const name = fc.constantFrom("ui.notify", "nlp.intent.detected", "a.b_c.d-e");
const eventId = fc.constantFrom("EVT-20250923-162000-19ab7c", "EVT-20250923-162000-000000000001");
const time = fc.constantFrom(
  "2025-09-23T16:20:00Z",
  "2025-09-23T16:20:00.123Z",
  "2024-02-29T00:00:00.000000001+05:30",
);
const json = fc
  .jsonValue({ maxDepth: 4 })
  .filter((value) => JSON.stringify(value).length < 5000 && isSafe(value));
const headerName = fc.oneof(
  fc.constantFrom(
    "idempotency_key",
    "ce-id",
    "ce-source",
    "ce-time",
    "ce-type",
    "ce-subject",
    "ce-adaosabsent",
    "ce-adaosliterals",
    "ce-data",
    "CE-x",
    "ce-a_b",
    "ce-correlationid",
    "ce-specversion",
  ),
  fc.stringMatching(/^[a-z]{1,8}$/),
);
const headerValue = fc.oneof(
  printable,
  fc.constantFrom("", "data,time", "subject", "1.0", "7", "garbage", "2025-09-23T16:20:00Z"),
);

function isSafe(value: unknown): boolean {
  if (typeof value === "number") return Math.abs(value) <= Number.MAX_SAFE_INTEGER && !Object.is(value, -0);
  return typeof value !== "object" || value === null || Object.values(value).every(isSafe);
}

const envelopes: fc.Arbitrary<Envelope> = fc.record(
  {
    event_id: eventId,
    event_name: name,
    version: fc.integer({ min: 1, max: 9999 }),
    kind: fc.constantFrom("event" as const, "command" as const, "reply" as const),
    ts: time,
    source: fc.constantFrom("skill.nlp@kitchen", "cli@desk"),
    correlation_id: fc.oneof(printable, eventId),
    causation_id: fc.oneof(printable, eventId),
    tenant: fc.oneof(printable, fc.constant("default")),
    headers: fc.dictionary(headerName, headerValue, { maxKeys: 5 }),
    data: json,
  },
  {
    requiredKeys: [
      "event_id",
      "event_name",
      "version",
      "kind",
      "ts",
      "source",
      "correlation_id",
      "tenant",
      "headers",
      "data",
    ],
  },
);

const extension = fc
  .stringMatching(/^[a-z][a-z0-9]{0,12}$/)
  .filter(
    (one) =>
      ![
        "id",
        "source",
        "type",
        "time",
        "data",
        "subject",
        "specversion",
        "dataschema",
        "datacontenttype",
        "constructor",
      ].includes(one) && !one.startsWith("adaos"),
  );
const cloudEvents = fc
  .tuple(
    fc.record(
      {
        specversion: fc.constant("1.0" as const),
        id: fc.oneof(printable, eventId),
        source: fc.constantFrom("/shop", "https://example.com/a?b=c%20d", "urn:a:b", "cli@desk"),
        type: fc.constantFrom("com.example.order.created.v2", "order.created", "ui.notify.v1", "ui.notify"),
        subject: printable,
        time: fc.constantFrom("2025-09-23T16:20:00.000Z", "2025-09-23T16:20:00.123Z"),
        datacontenttype: fc.constantFrom(
          "application/json",
          "application/problem+json",
          "application/json; charset=utf-8",
        ),
        dataschema: fc.constant("https://example.com/schema.json"),
        correlationid: printable,
        data: json,
      },
      { requiredKeys: ["specversion", "id", "source", "type"] },
    ),
    fc.dictionary(extension, fc.oneof(printable, fc.boolean(), fc.integer()), { maxKeys: 4 }),
  )
  .map(([known, extensions]) => ({ ...extensions, ...known }) as CloudEvent);

/** A header says that another was a number, which in binary mode travels as a text like all the others. */
const ofLiteral: Envelope = {
  event_id: "EVT-20250923-162000-19ab7c",
  event_name: "ui.notify",
  version: 1,
  kind: "event",
  ts: "2025-09-23T16:20:00Z",
  source: "cli@desk",
  correlation_id: "c-1",
  tenant: "default",
  headers: { "ce-subject": "7", "ce-adaosliterals": "subject" },
  data: null,
};
const modes: readonly CloudEventMode[] = ["structured", "binary"];

describe("toCloudEvent() and fromCloudEvent()", () => {
  test("an envelope comes back as it was, in either mode", () => {
    fc.assert(
      fc.property(envelopes, fc.constantFrom(...modes), (envelope, mode) => {
        const message = encodeCloudEvent(toCloudEvent(checkEnvelope(envelope)), mode);
        expect(fromCloudEvent(decodeCloudEvent(message))).toEqual(envelope);
      }),
      // Found once in 858,000 cases.
      { numRuns: 2000, examples: modes.map((mode) => [ofLiteral, mode]) },
    );
  });

  test("a CloudEvent comes back as it was", () => {
    fc.assert(
      fc.property(cloudEvents, (event) => {
        expect(toCloudEvent(fromCloudEvent(event))).toEqual(event);
        for (const mode of modes) expect(decodeCloudEvent(encodeCloudEvent(event, mode))).toEqual(event);
        // Headers hold texts, and other senders do not say which of them were numbers.
        const { headers, body } = encodeCloudEvent(event, "binary");
        const { "ce-adaosliterals": _, ...others } = headers;
        expect(decodeCloudEvent({ headers: others, body })).toEqual(
          Object.fromEntries(
            Object.entries(event).map(([key, value]) => [key, key === "data" ? value : String(value)]),
          ),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("one that a member published anew still gives all attributes of the CloudEvent it was", () => {
    fc.assert(
      fc.property(cloudEvents, envelopes, (event, published) => {
        const { headers, data } = fromCloudEvent(event);
        const envelope = { ...published, headers, data };
        const again = toCloudEvent(envelope);
        expect(fromCloudEvent(again)).toEqual(envelope);
        for (const [header, value] of Object.entries(headers))
          if (!header.startsWith("ce-adaos")) expect(String(again[header.slice(3)])).toBe(value);
      }),
    );
  });

  test("an envelope becomes a CloudEvent that others understand", () => {
    expect(
      toCloudEvent({
        event_id: "EVT-20250923-162000-19ab7c",
        event_name: "ui.notify",
        version: 1,
        kind: "command",
        ts: "2025-09-23T16:20:00Z",
        source: "cli@kitchen",
        correlation_id: "c-1",
        tenant: "default",
        headers: { idempotency_key: "k" },
        data: { text: "Tea" },
      }),
    ).toEqual({
      specversion: "1.0",
      id: "EVT-20250923-162000-19ab7c",
      source: "cli@kitchen",
      type: "ui.notify.v1",
      time: "2025-09-23T16:20:00Z",
      datacontenttype: "application/json",
      correlationid: "c-1",
      adaoskind: "command",
      adaosheaders: '[["idempotency_key","k"]]',
      data: { text: "Tea" },
    });
  });

  test("types may be mapped, and ids are the same each time", () => {
    const event = { specversion: "1.0" as const, id: "1", source: "/shop", type: "Order Created" };
    const types = new Map([["Order Created", "order.created@3"]]);
    const envelope = fromCloudEvent(event, types);
    expect(envelope).toMatchObject({ event_name: "order.created", version: 3, data: null });
    expect(fromCloudEvent(event, types)).toEqual(envelope);
    expect(fromCloudEvent({ ...event, id: "2" }, types).event_id).not.toBe(envelope.event_id);
    expect(toCloudEvent(envelope, types)).toEqual(event);
  });

  const good = { specversion: "1.0", id: "1", source: "/a", type: "a.b" };
  test.each([
    [[], /must be an object/],
    [{ ...good, specversion: "0.3" }, /specversion/],
    [{ ...good, id: "" }, /"id"/],
    [{ ...good, data_base64: "AA==" }, /binary data/],
    [{ ...good, datacontenttype: "text/plain", data: "x" }, /takes JSON/],
    [{ ...good, time: "yesterday" }, /RFC 3339/],
    [{ ...good, Big: "x" }, /"Big"/],
    [{ ...good, x: { a: 1 } }, /must be a text/],
    [{ ...good, x: "a\nb" }, /control characters/],
    [{ ...good, x: "a".repeat(2000) }, /headers/],
    [{ ...good, type: "Order" }, /event_name/],
    [{ ...good, adaosheaders: "{" }, /adaosheaders/],
    [{ ...good, data: 2 ** 60 }, /2\^53/],
  ])("refuses %j", (event, wanted) => {
    expect(() => fromCloudEvent(event)).toThrow(wanted);
  });
});

describe("decodeCloudEvent()", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  test("encodes headers as the NATS binding says", () => {
    const event = { specversion: "1.0" as const, id: "Euro € 😀", source: "/a", type: "a.b" };
    const { headers } = encodeCloudEvent(event, "binary");
    expect(headers["ce-id"]).toBe("Euro%20%E2%82%AC%20%F0%9F%98%80");
    expect(
      decodeCloudEvent({
        headers: { ...headers, "CE-ID": '"a \\"b\\""', "ce-id": '"a \\"b\\""' },
        body: bytes(""),
      }),
    ).toMatchObject({ id: 'a "b"' });
  });

  test.each([
    [{}, "no json", /no CloudEvent in JSON/],
    [{}, "[]", /must be an object/],
    [{ "Content-Type": "application/cloudevents-batch+json" }, "[]", /batch/],
    [{ "content-type": "application/cloudevents+protobuf" }, "{}", /known is JSON/],
    [{ "ce-specversion": "1.0", "ce-datacontenttype": "text/xml" }, "<a/>", /takes JSON/],
    [{ "ce-specversion": "1.0" }, "{", /not JSON/],
    [{ "ce-specversion": "1.0", "ce-id": "%C0%A0" }, "", /percent-encoded/],
    [{}, " ".repeat(300_000), /limit/],
  ])("refuses %j with %.20s", (headers, body, wanted) => {
    expect(() => decodeCloudEvent({ headers, body: bytes(body) })).toThrow(wanted);
  });

  test.each([
    [{}, '{"data": canary}'],
    [{}, "canary"],
    [{ "ce-specversion": "1.0" }, '{"mail": "canary"'],
    [{ "ce-specversion": "1.0", "ce-id": "canary%C0%A0" }, ""],
    [{ "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "a.b" }, '{"canary": 1e20}'],
    [{}, '{"specversion":"1.0","id":"1","source":"/a","type":"a.b","adaosheaders":"canary"}'],
  ])("quotes nothing of %j with %s, nor does what reads on", (headers, body) => {
    let thrown: unknown;
    try {
      fromCloudEvent(decodeCloudEvent({ headers, body: bytes(body) }));
    } catch (found) {
      thrown = found;
    }
    expect(thrown).toHaveProperty("code", "invalid-event");
    expect(JSON.stringify([thrown, String(thrown), String((thrown as Error).cause)])).not.toContain("canary");
  });
});

/** Ignores the package's own changes: it gives each event a time, and drops data that is false. */
const asReference = (event: CloudEvent): Reference<unknown> => new Reference(event as never, false);
const timed = cloudEvents.map((event) => ({
  ...event,
  time: event.time ?? "2025-09-23T16:20:00.000Z",
  datacontenttype: event.datacontenttype ?? "application/json",
  data: { value: event.data ?? null },
}));
/** In binary mode it knows few types of JSON, and encodes no header. */
const plain = timed.map((event): CloudEvent => {
  const kept = Object.entries(event).filter(([, value]) => /^[!#$&-~]+$/.test(String(value)));
  const texts = Object.fromEntries(kept.map(([key, value]) => [key, String(value)]));
  const { specversion, type, time, data } = event;
  const source = event.source.replace("%20", "+");
  return { id: "1", ...texts, specversion, source, type, time, datacontenttype: "application/json", data };
});

describe("against the package cloudevents", () => {
  test("it reads what we write, structured", () => {
    fc.assert(
      fc.property(timed, (event) => {
        const { headers, body } = encodeCloudEvent(event, "structured");
        const lower = { "content-type": headers["Content-Type"] ?? "" };
        const read = HTTP.toEvent({
          headers: lower,
          body: new TextDecoder().decode(body),
        }) as Reference<unknown>;
        expect(JSON.parse(JSON.stringify(read))).toEqual(event);
      }),
      { numRuns: 500 },
    );
  });

  test("we read what it writes, structured", () => {
    fc.assert(
      fc.property(timed, (event) => {
        const { headers, body } = HTTP.structured(asReference(event));
        const read = decodeCloudEvent({
          headers: headers as Record<string, string>,
          body: new TextEncoder().encode(String(body)),
        });
        expect(toCloudEvent(fromCloudEvent(read))).toEqual(event);
      }),
      { numRuns: 500 },
    );
  });

  test("it reads what we write, binary", () => {
    fc.assert(
      fc.property(plain, (event) => {
        const { headers, body } = encodeCloudEvent(event, "binary");
        const { "ce-datacontenttype": type = "", ...others } = headers;
        const read = HTTP.toEvent({
          headers: { ...others, "content-type": type },
          body: new TextDecoder().decode(body),
        });
        expect(JSON.parse(JSON.stringify(read))).toEqual(event);
      }),
      { numRuns: 200 },
    );
  });

  test("we read what it writes, binary", () => {
    fc.assert(
      fc.property(plain, (event) => {
        const { headers, body } = HTTP.binary(asReference(event));
        const read = decodeCloudEvent({
          headers: headers as Record<string, string>,
          body: new TextEncoder().encode(String(body)),
        });
        expect(read).toEqual(event);
      }),
      { numRuns: 200 },
    );
  });
});
