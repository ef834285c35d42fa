import fc from "fast-check";
import { headers as newHeaders } from "nats";
import { describe, expect, test } from "vitest";
import { msgOf } from "../../../../test/kit/connection-stand-in.ts";
import { type Ack, parseAck } from "./publish-ack.ts";

function ackOf(text: string): Ack {
  return parseAck(msgOf({ subject: "_INBOX.1", text }));
}

function errorAck(error: object): Ack {
  return ackOf(JSON.stringify({ error, stream: "EVENTS_alpha", seq: 0 }));
}

describe("parseAck()", () => {
  test.each<[what: string, text: string, ack: object]>([
    ["a message", '{"stream":"EVENTS_alpha","seq":7}', { seq: 7, duplicate: false }],
    ["a repeated message", '{"stream":"EVENTS_alpha","seq":7,"duplicate":true}', { seq: 7, duplicate: true }],
    ["a batch", '{"stream":"EVENTS_alpha","seq":9,"batch":"b","count":3}', { seq: 9, duplicate: false }],
    ["a message with its domain", '{"stream":"EVENTS_alpha","domain":"alpha","seq":1}', { seq: 1 }],
  ])("reads that %s is stored", (_, text, ack) => {
    expect(ackOf(text)).toMatchObject({ kind: "stored", stream: "EVENTS_alpha", ...ack });
  });

  test("takes a status of 503 for a stream that is not there", () => {
    const nobody = msgOf({ subject: "_INBOX.1", text: "", headers: newHeaders(503, "No Responders") });
    expect(parseAck(nobody)).toMatchObject({ kind: "unavailable" });
  });

  test.each([
    [503, 10008],
    [408, 0],
    [503, 10023 + 100],
  ])("takes the error %d (%d) for one that passes", (code, err_code) => {
    expect(errorAck({ code, err_code, description: "later" })).toEqual({
      kind: "unavailable",
      reason: "later",
    });
  });

  test.each([
    [503, 10077],
    [400, 10047],
    [503, 10023],
  ])("takes the error %d (%d) for a full stream", (code, err_code) => {
    expect(errorAck({ code, err_code, description: "maximum bytes exceeded" })).toMatchObject({
      kind: "failed",
      error: { code: "backpressure", message: expect.stringContaining("maximum bytes exceeded") },
    });
  });

  test.each([
    [400, 10054, "too-large"],
    [400, 10201, "internal"],
    [400, 0, "internal"],
  ])("takes the error %d (%d) for %s", (code, err_code, meshCode) => {
    expect(errorAck({ code, err_code, description: "x" })).toMatchObject({
      kind: "failed",
      error: { code: meshCode },
    });
  });

  test.each([["nothing"], ["{"], ["+OK"], [""]])("takes %j for a failure of the server", (text) => {
    expect(ackOf(text)).toMatchObject({ kind: "failed", error: { code: "internal" } });
  });

  test("survives an error without any field", () => {
    expect(errorAck({})).toMatchObject({ kind: "failed", error: { code: "internal" } });
  });
});

describe("parseAck(), of a server that is another's", () => {
  test.each([
    "null",
    "[]",
    "7",
    '"x"',
    "{}",
    '{"stream":"S"}',
    '{"stream":1,"seq":1}',
    '{"stream":"S","seq":1e300}',
  ])("takes %s for no acknowledgement", (text) => {
    expect(ackOf(text).kind).toBe("failed");
  });

  test("says something of whatever comes, and throws nothing", () => {
    const error = fc.record(
      { code: fc.jsonValue(), err_code: fc.jsonValue(), description: fc.jsonValue() },
      { requiredKeys: [] },
    );
    const any = fc.oneof(
      fc.json(),
      fc.string(),
      fc.oneof(error, fc.jsonValue()).map((value) => JSON.stringify({ error: value, toString: 1 })),
      error.map((value) => JSON.stringify({ error: { ...value, err_code: { toString: 1 } } })),
    );
    fc.assert(
      fc.property(any, (text) => {
        expect(["stored", "unavailable", "failed"]).toContain(ackOf(text).kind);
      }),
      { numRuns: 1000 },
    );
  });
});
