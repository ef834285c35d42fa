import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TestDelivery } from "../../../../test/kit/stand-ins.ts";
import { MAX_ENVELOPE_BYTES } from "../language/envelope.ts";
import { MAX_DEAD_LETTER_BYTES, MAX_EVENT_BYTES, messageBytes } from "../wire/message-size.ts";
import { type DeadLetter, encodeDeadLetter, newDeadLetter } from "./dead-letter.ts";

/** The headers that travel with an event, as long as they are kept. */
const TRAVELLING = ["traceparent", "tracestate", "baggage", "Adaos-Signature"];
const HANDLER = { subnet: "s".repeat(63), node: "n".repeat(63), durable: "d".repeat(63) };

interface Worst {
  /** Repeated, it makes the texts of errors and headers. */
  readonly letter: string;
  readonly bodyBytes: number;
  readonly headerLength: number;
  readonly attempts: number;
}

function letterOf({ letter, bodyBytes, headerLength, attempts }: Worst): DeadLetter {
  const text = (length: number): string => letter.repeat(length);
  const error = Object.assign(new Error(text(20_000)), { name: text(500), stack: text(50_000) });
  const headers = Object.fromEntries(TRAVELLING.map((key) => [key, '"'.repeat(headerLength)]));
  const message = { subject: `evt.${text(600)}`, id: text(100), headers, body: new Uint8Array(bodyBytes) };
  const at = new Date(0).toISOString();
  return newDeadLetter({
    delivery: new TestDelivery(message),
    handler: HANDLER,
    address: { subnet: "alpha", node: "kitchen", name: `a.${"b".repeat(180)}`, version: 9999 },
    envelope: { event_id: text(64), correlation_id: text(256) },
    classification: { category: "unknown", rule: text(100) },
    error,
    attempts: Array.from({ length: attempts }, () => ({ at, type: text(200), message: text(500) })),
    nowMs: 0,
  });
}

describe("encodeDeadLetter()", () => {
  test("fits its stream, whatever was thrown at whatever is stored", () => {
    const worst = fc.record({
      // Characters that JSON writes as one byte, as two, three or six.
      letter: fc.constantFrom("x", '"', "\n", "é", "語", "\u0000", "\ud800", "\u2028"),
      bodyBytes: fc.integer({ min: 0, max: MAX_EVENT_BYTES }),
      headerLength: fc.integer({ min: 0, max: 8192 }),
      attempts: fc.integer({ min: 0, max: 50 }),
    });
    const assertFits = (one: Worst): void => {
      const body = encodeDeadLetter(letterOf(one));
      const message = { subject: "dlq.x", id: "x".repeat(22), headers: {}, body };
      expect(messageBytes(message)).toBeLessThanOrEqual(MAX_DEAD_LETTER_BYTES);
      const kept = JSON.parse(new TextDecoder().decode(body)) as DeadLetter;
      const bytes = Math.min(one.bodyBytes, MAX_ENVELOPE_BYTES);
      expect(Buffer.from(kept.message.body_base64, "base64")).toHaveLength(bytes);
      expect(kept.attempts.length).toBeGreaterThanOrEqual(Math.min(one.attempts, 1));
    };
    assertFits({ letter: "\u0000", bodyBytes: MAX_EVENT_BYTES, headerLength: 8192, attempts: 50 });
    fc.assert(fc.property(worst, assertFits), { numRuns: 200 });
  });

  test("leaves nothing out of what fits", () => {
    const entry = letterOf({ letter: "é", bodyBytes: MAX_ENVELOPE_BYTES, headerLength: 100, attempts: 50 });
    expect(JSON.parse(new TextDecoder().decode(encodeDeadLetter(entry)))).toEqual(entry);
  });
});

describe("newDeadLetter()", () => {
  test.each([
    ["EVT-20250923-162000-0123456789ab", "EVT-20250923-162000-0123456789ab"],
    ["\u001b[2J", ""],
    ["x".repeat(60_000), ""],
  ])("calls what is no envelope as its writer does, where that can be an event's id", (id, expected) => {
    const delivery = new TestDelivery({ subject: "none.of.ours", id, headers: {}, body: new Uint8Array() });
    const classification = { category: "permanent", rule: "x" } as const;
    const facts = { delivery, handler: HANDLER, address: undefined, envelope: undefined, classification };
    expect(newDeadLetter({ ...facts, error: "x", attempts: [], nowMs: 0 }).event_id).toBe(expected);
  });
});
