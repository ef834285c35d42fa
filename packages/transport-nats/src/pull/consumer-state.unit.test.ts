import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseConsumerAnswer, plainText } from "./consumer-state.ts";

const STATE = {
  created: "2026-01-01T00:00:00Z",
  delivered: { consumer_seq: 3, stream_seq: 4 },
  ack_floor: { stream_seq: 2 },
  num_ack_pending: 2,
};

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Input from a hub that may write anything, such as numbers that JSON cannot hold. */
const parse = (text: string): ReturnType<typeof parseConsumerAnswer> => parseConsumerAnswer(encode(text));

describe("parseConsumerAnswer()", () => {
  test("reads a state, and leaves out what is not looked at", () => {
    const answer = JSON.stringify({ ...STATE, config: { durable_name: "root" }, num_pending: 9 });
    expect(parse(answer)).toEqual({ kind: "state", state: STATE });
  });

  test("reads an error, short and without what a terminal would obey", () => {
    const description = `consumer \u001b[2Jnot found${"x".repeat(5000)}`;
    const answer = parse(JSON.stringify({ error: { code: 404, description } }));
    expect(answer).toMatchObject({ kind: "error", code: 404 });
    if (answer?.kind !== "error") throw new Error("no error");
    expect(answer.description).toHaveLength(200);
    expect(answer.description).toMatch(/^[ -~]+$/);
  });

  test.each([
    "",
    "{}",
    "[]",
    "null",
    "0",
    '"x"',
    "{",
    '{"error":null}',
    '{"error":"x"}',
    "[".repeat(100_000),
    JSON.stringify({ ...STATE, pad: "x".repeat(1_100_000) }),
  ])("takes no %.40s", (text) => {
    expect(parse(text)).toBeUndefined();
  });

  test("takes no count but a whole and safe one, wherever it stands", () => {
    const wrong = ["-1", "1.5", "1e308", "1e999", "9007199254740993", "null", "[]", "{}", '"1"', "true"];
    for (const text of [JSON.stringify(STATE)]) {
      for (const number of wrong) {
        for (const key of ["consumer_seq", "stream_seq", "num_ack_pending"]) {
          expect(parse(text.replace(new RegExp(`"${key}":\\d+`), `"${key}":${number}`))).toBeUndefined();
        }
      }
    }
  });

  test("throws nothing, whatever comes", () => {
    const any = fc.oneof(
      fc.uint8Array(),
      fc.json().map(encode),
      fc
        .record({ created: fc.anything(), delivered: fc.anything(), ack_floor: fc.anything() })
        .map((value) => {
          try {
            return encode(JSON.stringify({ ...STATE, ...value }));
          } catch {
            return encode("");
          }
        }),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        const answer = parseConsumerAnswer(bytes);
        if (answer?.kind !== "state") return;
        const { delivered, ack_floor: floor, num_ack_pending: pending } = answer.state;
        for (const count of [delivered.consumer_seq, delivered.stream_seq, floor.stream_seq, pending])
          expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("plainText()", () => {
  test.each([undefined, null, 7, {}])("makes nothing of %s", (value) => {
    expect(plainText(value)).toBe("");
  });
});
