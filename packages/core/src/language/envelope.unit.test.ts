import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventName, jsonData, originToken, version } from "../../../../test/kit/arbitraries.ts";
import { envelopeOf, meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import {
  checkEnvelope,
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  escapePointer,
  MAX_ENVELOPE_BYTES,
  MAX_JSON_DEPTH,
} from "./envelope.ts";
import { MeshError } from "./errors.ts";

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });

const headerName = fc.stringMatching(/^[a-z!#$%&'*+.^_`|~-][A-Za-z0-9!#$%&'*+.^_`|~-]{0,20}$/);

const envelope: fc.Arbitrary<Envelope> = fc.record(
  {
    event_id: fc
      .tuple(fc.stringMatching(/^[0-9]{8}-[0-9]{6}$/), fc.stringMatching(/^[0-9a-f]{6,32}$/))
      .map(([time, hex]) => `EVT-${time}-${hex}`),
    event_name: eventName,
    version,
    kind: fc.constantFrom("event", "command", "reply"),
    ts: fc
      .date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true })
      .map((d) => d.toISOString()),
    source: fc
      .tuple(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/), originToken)
      .map((s) => s.join("@")),
    correlation_id: text,
    causation_id: text,
    tenant: text,
    headers: fc.dictionary(
      headerName,
      text.filter((value) => !/\p{Cc}/u.test(value)),
      { maxKeys: 8 },
    ),
    data: jsonData,
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

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

/** JSON text of a valid envelope whose data is this JSON text. */
function withData(json: string): Uint8Array {
  return bytes(JSON.stringify(envelopeOf({ data: "DATA" })).replace('"DATA"', () => json));
}

function pointersOf(value: unknown): string[] {
  return meshErrorOf(() => checkEnvelope(value)).violations.map(({ pointer }) => pointer);
}

function nested(depth: number): string {
  return `${"[".repeat(depth)}${"]".repeat(depth)}`;
}

describe("encodeEnvelope()", () => {
  test("writes what decodeEnvelope() reads back", () => {
    fc.assert(
      fc.property(envelope, (sent) => {
        expect(decodeEnvelope(encodeEnvelope(sent))).toEqual(sent);
      }),
    );
  });

  test("takes an envelope of the largest size and no byte more", () => {
    const frame = encodeEnvelope(envelopeOf({ data: "" })).length;
    const largest = envelopeOf({ data: "x".repeat(MAX_ENVELOPE_BYTES - frame) });
    const body = encodeEnvelope(largest);
    expect(body).toHaveLength(MAX_ENVELOPE_BYTES);
    expect(decodeEnvelope(body)).toEqual(largest);
    const larger = { ...largest, data: `${String(largest.data)}x` };
    expect(meshErrorOf(() => encodeEnvelope(larger)).code).toBe("too-large");
  });

  test("counts bytes, not characters", () => {
    const data = "\u{1f600}".repeat(MAX_ENVELOPE_BYTES / 4);
    expect(meshErrorOf(() => encodeEnvelope(envelopeOf({ data }))).code).toBe("too-large");
  });

  test("refuses a BigInt as invalid-event", () => {
    expect(meshErrorOf(() => encodeEnvelope(envelopeOf({ data: { n: 1n } }))).code).toBe("invalid-event");
  });
});

describe("decodeEnvelope()", () => {
  test("passes the example of the requirements", () => {
    const example = {
      event_id: "EVT-20250923-162000-0a1b2c",
      event_name: "nlp.intent.detected",
      version: 1,
      kind: "event",
      ts: "2025-09-23T16:20:00Z",
      source: "skill.nlp@hostA",
      correlation_id: "c-7f8b...",
      causation_id: "e-19ab...",
      tenant: "default",
      headers: { idempotency_key: "intent:123" },
      data: { intent: "lights.on", slots: { room: "kitchen" }, locale: "en" },
    };
    expect(decodeEnvelope(bytes(JSON.stringify(example)))).toEqual(example);
  });

  test.each([
    ["no JSON", bytes("{")],
    ["nothing", bytes("")],
    ["two values", bytes("{}{}")],
    ["a byte order mark", bytes(`\ufeff${JSON.stringify(envelopeOf())}`)],
    ["NaN", withData("NaN")],
    ["half a UTF-8 character", Uint8Array.from([...bytes('{"a":"'), 0xc3, ...bytes('"}')])],
    ["an overlong UTF-8 character", Uint8Array.from([...bytes('{"a":"'), 0xc0, 0xaf, ...bytes('"}')])],
    ["a surrogate in UTF-8", Uint8Array.from([...bytes('{"a":"'), 0xed, 0xa0, 0x80, ...bytes('"}')])],
  ])("refuses a body of %s as invalid-event", (_, body) => {
    expect(meshErrorOf(() => decodeEnvelope(body)).code).toBe("invalid-event");
  });

  test("throws nothing but invalid-event at random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (body) => {
        expect(meshErrorOf(() => decodeEnvelope(body)).code).toBe("invalid-event");
      }),
    );
  });

  test("refuses more than the largest size without reading it", () => {
    const body = new Uint8Array(MAX_ENVELOPE_BYTES + 1).fill(0xff);
    expect(meshErrorOf(() => decodeEnvelope(body)).code).toBe("too-large");
  });

  test("draws the line of nesting at the limit, the envelope counted", () => {
    expect(decodeEnvelope(withData(nested(MAX_JSON_DEPTH - 1))).data).toBeInstanceOf(Array);
    const { code, violations } = meshErrorOf(() => decodeEnvelope(withData(nested(MAX_JSON_DEPTH))));
    expect(code).toBe("invalid-event");
    expect(violations[0]?.expected).toContain(`deeper than ${MAX_JSON_DEPTH}`);
  });

  test.each([
    ["arrays", nested(10_000)],
    ["objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
    ["as many arrays as fit", nested(130_000)],
  ])("survives %s nested without end", (_, json) => {
    expect(meshErrorOf(() => decodeEnvelope(withData(json))).code).toBe("invalid-event");
  });

  test("takes __proto__ in data as a name like any other", () => {
    const { data } = decodeEnvelope(withData('{"__proto__":{"polluted":true}}'));
    expect(Object.keys(data as object)).toEqual(["__proto__"]);
    expect("polluted" in {}).toBe(false);
  });

  test("refuses __proto__ as a field of the envelope", () => {
    const body = JSON.stringify(envelopeOf()).replace("{", '{"__proto__":{"tenant":"x"},');
    expect(meshErrorOf(() => decodeEnvelope(bytes(body))).violations[0]?.pointer).toBe("/__proto__");
  });
});

describe("decodeEnvelope(), a key that stands twice", () => {
  test("takes the last, as whoever else reads the bytes within the mesh", () => {
    const body = JSON.stringify(envelopeOf({ tenant: "second" })).replace("{", '{"tenant":"first",');
    expect(decodeEnvelope(bytes(body)).tenant).toBe("second");
  });
});

describe("checkEnvelope()", () => {
  test.each<[pointer: string, changes: Record<string, unknown>]>([
    ["/event_id", { event_id: "EVT-20250923-162000-0123A" }],
    ["/event_id", { event_id: "EVT-20250923-162000-01234" }],
    ["/event_id", { event_id: `EVT-20250923-162000-${"0".repeat(33)}` }],
    ["/event_id", { event_id: "EVT-20250923-162000-0123456789ab\n" }],
    ["/event_id", { event_id: undefined }],
    ["/event_name", { event_name: "notify" }],
    ["/event_name", { event_name: "ui.*" }],
    ["/event_name", { event_name: 7 }],
    ["/version", { version: 0 }],
    ["/version", { version: 10_000 }],
    ["/version", { version: 1.5 }],
    ["/version", { version: "1" }],
    ["/kind", { kind: "query" }],
    ["/kind", { kind: undefined }],
    ["/source", { source: "kitchen" }],
    ["/source", { source: "@kitchen" }],
    ["/source", { source: "a@b@c" }],
    ["/source", { source: "a b@kitchen" }],
    ["/correlation_id", { correlation_id: "" }],
    ["/correlation_id", { correlation_id: "x".repeat(257) }],
    ["/causation_id", { causation_id: "" }],
    ["/causation_id", { causation_id: null }],
    ["/tenant", { tenant: undefined }],
    ["/tenant", { tenant: 1 }],
    ["/headers", { headers: undefined }],
    ["/headers", { headers: [] }],
    ["/headers", { headers: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`h${i}`, ""])) }],
    ["/headers/a~1b~0c", { headers: { "a/b~c": 1 } }],
    ["/headers/a b", { headers: { "a b": "" } }],
    ["/headers/a:", { headers: { "a:": "" } }],
    ["/headers/", { headers: { "": "" } }],
    ["/headers/Nats-Msg-Id", { headers: { "Nats-Msg-Id": "x" } }],
    ["/headers/nats-rollup", { headers: { "nats-rollup": "all" } }],
    ["/headers/line", { headers: { line: "a\r\nNats-Rollup: all" } }],
    ["/headers/nul", { headers: { nul: "\0" } }],
    ["/headers/long", { headers: { long: "x".repeat(1025) } }],
    ["/headers/__proto__", { headers: JSON.parse('{"__proto__":1}') }],
    ["/data", { data: undefined }],
    ["/extra", { extra: 1 }],
    ["/a~1b~0c", { "a/b~c": 1 }],
  ])("names %s in %j", (pointer, changes) => {
    expect(pointersOf({ ...envelopeOf(), ...changes })).toEqual([pointer]);
  });

  test.each([[null], [undefined], ["text"], [7], [[]]])("refuses %j, which is no object", (value) => {
    expect(pointersOf(value)).toEqual([""]);
  });

  test("refuses an envelope without data, takes one whose data is null", () => {
    const { data: _, ...rest } = envelopeOf();
    expect(pointersOf(rest)).toEqual(["/data"]);
    expect(checkEnvelope({ ...rest, data: null }).data).toBeNull();
  });

  test("takes as many and as long headers as the limits say", () => {
    const headers = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`h${i}`, "x".repeat(1024)]));
    expect(checkEnvelope(envelopeOf({ headers })).headers).toEqual(headers);
  });

  test.each([
    "2025-09-23T16:20:00Z",
    "2025-09-23T16:20:00.1Z",
    "2025-09-23T16:20:00.123456789Z",
    "2025-09-23T18:20:00+02:00",
    "2025-09-23T18:20:00.5-09:30",
    "2024-02-29T00:00:00Z",
    "2025-12-31T23:59:59Z",
  ])("takes the time %s", (ts) => {
    expect(checkEnvelope(envelopeOf({ ts })).ts).toBe(ts);
  });

  test.each([
    "2025-09-23",
    "2025-09-23T16:20:00",
    "2025-09-23 16:20:00Z",
    "2025-09-23T16:20Z",
    "2025-09-23t16:20:00z",
    "2025-09-23T16:20:00.Z",
    "2025-09-23T16:20:00+0200",
    "Tue, 23 Sep 2025 16:20:00 GMT",
    "2025-13-01T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2025-04-31T00:00:00Z",
    "2025-01-00T00:00:00Z",
    "2025-01-01T24:00:00Z",
    "2025-01-01T00:60:00Z",
    "2025-01-01T00:00:00+24:00",
  ])("refuses the time %s", (ts) => {
    expect(pointersOf(envelopeOf({ ts }))).toEqual(["/ts"]);
  });

  test("names the field that a random value spoils, or takes it", () => {
    const field = fc.constantFrom(...Object.keys(envelopeOf()));
    fc.assert(
      fc.property(field, jsonData, (name, value) => {
        const changed = { ...envelopeOf(), [name]: value };
        try {
          expect(checkEnvelope(changed)).toBe(changed);
        } catch (thrown) {
          if (!(thrown instanceof MeshError)) throw thrown;
          expect(thrown.code).toBe("invalid-event");
          expect(thrown.violations.map(({ pointer }) => pointer.split("/")[1])).toEqual([name]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("tells a refusal in few words, however long the name of the field", () => {
    const { message } = meshErrorOf(() => checkEnvelope({ ...envelopeOf(), ["x".repeat(100_000)]: 1 }));
    expect(message.length).toBeLessThan(500);
  });

  test.each([
    ["NaN", { a: [1, Number.NaN] }, "/data/a/1"],
    ["Infinity", Number.POSITIVE_INFINITY, "/data"],
    ["2^53", { id: 2 ** 53 }, "/data/id"],
    ["-2^53", [-(2 ** 53)], "/data/0"],
    ["the largest of all numbers", Number.MAX_VALUE, "/data"],
    ["a BigInt", { "a/b": 1n }, "/data/a~1b"],
    ["a function", { a: { f: () => 1 } }, "/data/a/f"],
    ["a symbol", [Symbol("s")], "/data/0"],
    ["undefined in an array", { list: [1, undefined] }, "/data/list/1"],
  ])("refuses %s, which JSON cannot hold, and names its place", (_, data, pointer) => {
    expect(pointersOf(envelopeOf({ data }))).toEqual([pointer]);
  });

  test("takes the largest number that every reader reads alike, and says how to send a larger one", () => {
    const data = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0.1, -0, 1e-300];
    expect(checkEnvelope(envelopeOf({ data })).data).toBe(data);
    const { message } = meshErrorOf(() => checkEnvelope(envelopeOf({ data: { id: 2 ** 53 } })));
    expect(message).toContain(
      "/data/id is a number beyond 2^53 - 1, whose digits are lost; send it as a string",
    );
  });

  test("takes a property that is undefined as one that is not there", () => {
    expect(checkEnvelope(envelopeOf({ data: { a: undefined } }))).toBeDefined();
  });

  test("refuses data that holds itself", () => {
    const data: Record<string, unknown> = {};
    data["self"] = { data };
    expect(meshErrorOf(() => checkEnvelope(envelopeOf({ data }))).message).toContain("deeper than 64");
  });
});

describe("escapePointer()", () => {
  test("escapes ~ before /", () => {
    expect(escapePointer("a~1/b")).toBe("a~01~1b");
  });
});
