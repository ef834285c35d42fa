import { describe, expect, test } from "vitest";
import { effectKey } from "../handle/once.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope, MAX_ENVELOPE_BYTES } from "../language/envelope.ts";
import { Signatures } from "../publish/signatures.ts";
import { REPLY_KEY_HEADER } from "../request/reply-proof.ts";
import { parseSubject } from "../wire/subject.ts";
import type { DeadLetter } from "./dead-letter.ts";
import { newReplayId, replayIdProblem, replayOf, replayOfStored, type StoredEvent } from "./replay.ts";

const SUBJECT = "evt.alpha.kitchen.ui.notify.v1";
const TO = { node: "desk", durable: "screen" };

const original: Envelope = {
  event_id: "EVT-20260105-093000-0123456789ab",
  event_name: "ui.notify",
  version: 1,
  kind: "event",
  ts: "2026-01-05T09:30:00.000Z",
  source: "app@kitchen",
  correlation_id: "the-story",
  causation_id: "EVT-20260105-092900-000000000000",
  tenant: "default",
  headers: { colour: "red" },
  data: { text: "Tea is ready" },
};

function stored(changes: Partial<Envelope> = {}, place: Partial<StoredEvent> = {}): StoredEvent {
  return {
    stream: "EVENTS_beta",
    seq: 17,
    storedAt: "2026-01-05T09:30:00.123456789Z",
    subject: SUBJECT,
    headers: { traceparent: "00-1-2-01", [REPLY_KEY_HEADER]: "k".repeat(22) },
    body: encodeEnvelope({ ...original, ...changes }),
    ...place,
  };
}

const UNSIGNED = new Signatures();
const replayed = (event: StoredEvent, replayId = "RPL-1", to = TO): Envelope =>
  decodeEnvelope(replayOfStored(event, to, replayId, UNSIGNED).body);

const codeOf = (make: () => unknown): unknown => {
  try {
    return make();
  } catch (thrown) {
    return (thrown as { code?: unknown }).code;
  }
};

describe("replayOfStored()", () => {
  test("changes id, cause and two headers, and nothing else", () => {
    const message = replayOfStored(stored(), TO, "RPL-1", UNSIGNED);
    expect(message).toMatchObject({
      subject: "rpl.desk.screen.alpha.kitchen.ui.notify.v1",
      headers: { traceparent: "00-1-2-01" },
    });
    expect(message.id).toMatch(/^EVT-20260105-093000-[0-9a-f]{12}$/);
    expect(decodeEnvelope(message.body)).toEqual({
      ...original,
      event_id: message.id,
      causation_id: original.event_id,
      headers: { colour: "red", replay_id: "RPL-1", idempotency_key: `${original.event_id}#RPL-1` },
    });
  });

  test("makes the same message again, and other ids for another replay, durable, stream or place", () => {
    expect(replayOfStored(stored(), TO, "RPL-1", UNSIGNED)).toEqual(
      replayOfStored(stored(), TO, "RPL-1", UNSIGNED),
    );
    const ids = [
      replayed(stored()),
      replayed(stored(), "RPL-2"),
      replayed(stored(), "RPL-1", { node: "desk", durable: "log" }),
      replayed(stored(), "RPL-1", { node: "lamp", durable: "screen" }),
      replayed(stored({}, { stream: "EVENTS_alpha" })),
      replayed(stored({}, { seq: 18 })),
    ].map(({ event_id }) => event_id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("names an effect of its own: one for a replay, whatever places the event lies at", () => {
    const effect = (envelope: Envelope): string => effectKey(envelope, parseSubject(SUBJECT));
    const first = effect(replayed(stored()));
    expect(effect(replayed(stored({}, { seq: 18 })))).toBe(first);
    expect(effect(replayed(stored(), "RPL-2"))).not.toBe(first);
    expect(effect(original)).not.toBe(first);
    const keyed = { headers: { idempotency_key: "order-7" } };
    expect(replayed(stored(keyed)).headers["idempotency_key"]).toBe("order-7#RPL-1");
  });

  test("takes the longest key there can be, and keeps two of them apart", () => {
    const keys = ["a", "b"].map((end) => {
      const idempotency_key = `${"k".repeat(1023)}${end}`;
      return replayed(stored({ headers: { idempotency_key } }), "R".repeat(64)).headers["idempotency_key"];
    });
    expect(keys[0]).toMatch(/^sha256:[0-9a-f]{64}#R{64}$/);
    expect(keys[0]).not.toBe(keys[1]);
  });

  test("says of an event that leaves no room that it is too large", () => {
    const full = encodeEnvelope({ ...original, data: "" }).length;
    const largest = (spare: number) => stored({ data: "x".repeat(MAX_ENVELOPE_BYTES - full - spare) });
    expect(codeOf(() => replayOfStored(largest(0), TO, "RPL-1", UNSIGNED))).toBe("too-large");
    expect(codeOf(() => replayOfStored(largest(200), TO, "RPL-1", UNSIGNED))).toMatchObject({
      id: expect.any(String),
    });
    const headers = Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`h${i}`, ""]));
    expect(codeOf(() => replayOfStored(stored({ headers }), TO, "RPL-1", UNSIGNED))).toBe("too-large");
  });

  test("says of what is no event that it is none", () => {
    const none: Partial<StoredEvent>[] = [
      { body: new Uint8Array() },
      { body: Buffer.from("{}") },
      { body: Buffer.alloc(MAX_ENVELOPE_BYTES + 1, 32) },
      { subject: "evt.alpha" },
      { subject: "rpl.desk.screen.alpha.kitchen.ui.notify.v1" },
      { subject: "evt.alpha.kitchen.ui.other.v1" },
      { subject: "evt.alpha.speaker.ui.notify.v1" },
    ];
    for (const place of none) {
      expect(
        codeOf(() => replayOfStored(stored({}, place), TO, "RPL-1", UNSIGNED)),
        place.subject,
      ).toBe("invalid-event");
    }
  });
});

describe("a replay id", () => {
  test("tells when the replay began", () => {
    const id = newReplayId(Date.UTC(2026, 0, 5, 9, 30));
    expect(id).toMatch(/^RPL-20260105-093000-[0-9a-f]{12}$/);
    expect(replayIdProblem(id)).toBeUndefined();
  });

  test("may be chosen, of what neither a key nor a shell minds", () => {
    expect(replayIdProblem("rebuild-7.b_c")).toBeUndefined();
    for (const id of ["", "-a", "a b", "a#b", "é", "a".repeat(65)])
      expect(replayIdProblem(id), id).toBeDefined();
  });
});

describe("replayOf()", () => {
  test("gives a dead letter's event to its durable again, with the effect it had", () => {
    const letter = {
      dead_letter_id: "DLQ-EVENTS_beta-17-desk.screen",
      at: "2026-01-05T09:31:00.000Z",
      node: "beta/desk",
      durable: "screen",
      subject: SUBJECT,
      message: { headers: {}, body_base64: Buffer.from(encodeEnvelope(original)).toString("base64") },
    } as DeadLetter;
    const message = replayOf(letter, UNSIGNED);
    expect(message.subject).toBe("rpl.desk.screen.alpha.kitchen.ui.notify.v1");
    expect(message.id).toMatch(/^EVT-20260105-093100-/);
    expect(replayOf(letter, UNSIGNED)).toEqual(message);
    expect(decodeEnvelope(message.body)).toMatchObject({
      causation_id: original.event_id,
      headers: { idempotency_key: original.event_id, replay_id: letter.dead_letter_id },
    });
  });
});
