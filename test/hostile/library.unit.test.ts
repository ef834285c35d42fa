import type { PublishOptions } from "@adaos/core";
import { decodeEnvelope, type Envelope, MeshError, Policy, parseEventPattern } from "@adaos/core";
import {
  formatReplaySubject,
  formatReplySubject,
  formatSubject,
  MAX_ENVELOPE_BYTES,
  type Publisher,
  parseNodeAddress,
  parseSubject,
  prepareEvent,
} from "@adaos/core/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { brokenUtf8, deepJson, hostileToken, hugeNumber, tryHostile } from "../kit/hostile.ts";
import { contractOf, envelopeOf, registryOf } from "../kit/stand-ins.ts";

/** The refusal, or nothing when there was none. Anything else that is thrown fails the test. */
function refusalOf(run: () => unknown): MeshError | undefined {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof MeshError) return thrown;
    throw thrown;
  }
  return undefined;
}

function bodyOf(changes: object, data = "null"): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({ ...envelopeOf(), data: "DATA", ...changes }).replace('"DATA"', () => data),
  );
}

const address = { subnet: "alpha", node: "kitchen" };
const publisher: Publisher = {
  address,
  component: "app",
  tenant: "default",
  policy: new Policy([
    { id: "all", effect: "allow", verb: "publish", ...address, pattern: parseEventPattern("*") },
  ]),
  registry: registryOf(contractOf("ui.notify")),
};

function publish(ref: string, data: unknown, options: PublishOptions = {}): MeshError | undefined {
  return refusalOf(() => prepareEvent(publisher, ref, data, options, Date.UTC(2026, 0, 5)));
}

describe("subjects and patterns", () => {
  const NOTIFY = { ...address, name: "ui.notify", version: 1 };
  const reply = { requester: address, requestId: "EVT-1", responder: address, name: "ui.notify", version: 1 };
  const takers: readonly ((token: string) => unknown)[] = [
    (token) => formatSubject({ ...NOTIFY, subnet: token }),
    (token) => formatSubject({ ...NOTIFY, node: token }),
    (token) => formatSubject({ ...NOTIFY, name: `ui.${token}` }),
    (token) => formatReplaySubject({ node: token, durable: "d" }, "evt.alpha.kitchen.ui.notify.v1"),
    (token) => formatReplaySubject({ node: "desk", durable: token }, "evt.alpha.kitchen.ui.notify.v1"),
    (token) => formatReplySubject({ ...reply, requester: { subnet: token, node: "a" } }),
    (token) => formatReplySubject({ ...reply, requestId: `EVT.${token}` }),
    (token) => parseSubject(`evt.alpha.${token}.ui.notify.v1`),
    (token) => parseSubject(`evt.alpha.kitchen.ui.${token}.v1`),
    (token) => parseSubject(`evt.alpha.kitchen.ui.notify.${token}`),
    (token) => parseEventPattern(`ui.${token}.x`),
    (token) => parseEventPattern(`${token}.`),
    (token) => parseNodeAddress(`alpha/${token}`),
    (token) => prepareEvent(publisher, `ui.${token}.x`, {}, {}, 0),
  ];

  test("take no hostile token, wherever it stands", async () => {
    const input = fc.tuple(hostileToken, fc.constantFrom(...takers.keys()));
    await tryHostile(
      "tokens of subjects and patterns",
      input,
      ([token, taker]) => {
        const refusal = refusalOf(() => takers[taker]?.(token));
        if (refusal !== undefined) expect(["invalid-event", "usage"]).toContain(refusal.code);
        return refusal;
      },
      3000,
    );
  });
});

describe("envelopes", () => {
  test("of a wrong type in any field are refused, and the field is named", async () => {
    const { data: _, ...checked } = envelopeOf({ causation_id: "c" });
    const wrong = fc
      .oneof(
        fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 10_000, "", [], {}, [[]], "x".repeat(5000), "\0", [
          null,
        ]),
        fc.jsonValue({ maxDepth: 2 }).filter((value) => typeof value === "object" && value !== null),
      )
      .map((value): unknown => JSON.parse(JSON.stringify(value)));
    const input = fc
      .tuple(fc.constantFrom(...Object.keys(checked)), wrong)
      .filter(([field, value]) => !isRight(field, value));
    await tryHostile("fields of a wrong type", input, ([field, value]) => {
      const refusal = refusalOf(() => decodeEnvelope(bodyOf({ [field]: value })));
      if (refusal !== undefined) expect(refusal.violations[0]?.pointer.split("/")[1]).toBe(field);
      return refusal;
    });
  });

  /** The few of the wrong values that a field may hold. */
  function isRight(field: string, value: unknown): boolean {
    if (field === "headers") {
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      return isObject && Object.values(value).every((held) => typeof held === "string");
    }
    return typeof value === "string" && value.length === 1;
  }

  test("with a field that is none, __proto__ among them, are refused and change no object", async () => {
    const name = fc.oneof(
      fc.constantFrom(
        "__proto__",
        "constructor",
        "prototype",
        "toString",
        "toJSON",
        "Event_id",
        "data ",
        "",
        "/",
        "~",
      ),
      fc.string({ unit: "binary" }).filter((text) => !Object.hasOwn(envelopeOf({ causation_id: "c" }), text)),
    );
    await tryHostile("fields that are none", name, (field) => {
      const body = JSON.stringify(envelopeOf()).replace(
        "{",
        () => `{${JSON.stringify(field)}:{"polluted":1},`,
      );
      const refusal =
        field === "causation_id"
          ? undefined
          : refusalOf(() => decodeEnvelope(new TextEncoder().encode(body)));
      expect("polluted" in {}).toBe(false);
      return refusal;
    });
  });

  test("with a header that a protocol would take for its own are refused by publisher and reader", async () => {
    const name = fc.oneof(
      fc.constantFrom("", " ", "a b", "a:b", "a\r\nNats-Rollup", "\0", "é", "x".repeat(129), "Nats-Msg-Id"),
      fc.string({ unit: "binary" }).map((text) => `nats-${text}`),
      fc.string({ unit: "binary" }).map((text) => `a\n${text}`),
    );
    const value = fc
      .tuple(
        fc.string(),
        fc.constantFrom("\r\n", "\n", "\r", "\0", "\u0085", "\u001b[2J", "\t", "x".repeat(1025)),
        fc.string(),
      )
      .map((parts) => parts.join(""));
    const header = fc.oneof(fc.tuple(name, fc.string()), fc.tuple(fc.constant("colour"), value));
    await tryHostile("headers", header, ([key, held]) => {
      const headers = Object.fromEntries([[key, held]]);
      const published = publish("ui.notify", {}, { headers });
      const read = refusalOf(() => decodeEnvelope(bodyOf({ headers })));
      expect(read?.violations[0]?.pointer).toMatch(/^\/headers\//);
      expect(published?.message).toBe(read?.message);
      return published;
    });
    const key = value.map((idempotencyKey): PublishOptions => ({ idempotencyKey }));
    await tryHostile("idempotency keys", key, (options) => publish("ui.notify", {}, options));
  });

  test("nested too deep, or too large, are refused", async () => {
    await tryHostile("deep JSON", deepJson, (json) => {
      const refusal = refusalOf(() => decodeEnvelope(bodyOf({}, json)));
      if (json.length < 200_000) expect(refusal?.message).toContain("nested deeper than 64");
      return refusal;
    });
    const size = fc.integer({ min: MAX_ENVELOPE_BYTES, max: 8 * MAX_ENVELOPE_BYTES });
    await tryHostile("large JSON", size, (length) => {
      const refusal = refusalOf(() => decodeEnvelope(new Uint8Array(length + 1).fill(0x22)));
      expect(refusal?.code).toBe("too-large");
      return refusal;
    });
    await tryHostile("large data", size, (length) => publish("ui.notify", "x".repeat(length)));
  });

  test("that are no UTF-8 are refused, wherever the bytes stand", async () => {
    const body = bodyOf({}, '"text"');
    const input = fc.tuple(brokenUtf8, fc.integer({ min: 0, max: body.length }));
    await tryHostile("bytes that are no UTF-8", input, ([bytes, at]) =>
      refusalOf(() => decodeEnvelope(Uint8Array.from([...body.slice(0, at), ...bytes, ...body.slice(at)]))),
    );
  });

  test("with numbers that readers round are refused by publisher and reader, with their place", async () => {
    await tryHostile("numbers beyond 2^53", hugeNumber, (number) => {
      const json = `{"list":[1,{"id":${number}}]}`;
      const read = refusalOf(() => decodeEnvelope(bodyOf({}, json)));
      expect(read?.violations[0]?.pointer).toBe("/data/list/1/id");
      const published = publish("ui.notify", JSON.parse(json));
      expect(published?.message).toBe(read?.message);
      return published;
    });
  });

  test("that are cut, mixed up or made of anything are refused, or are envelopes", async () => {
    const body = bodyOf({}, '{"list":[1,{"id":"x"}]}');
    const change = fc.tuple(
      fc.integer({ min: 0, max: body.length - 1 }),
      fc.integer({ min: 0, max: 20 }),
      fc.uint8Array({ maxLength: 8 }),
    );
    let envelopes = 0;
    await tryHostile(
      "bodies with changed bytes",
      change,
      ([at, drop, bytes]) => {
        const changed = Uint8Array.from([...body.slice(0, at), ...bytes, ...body.slice(at + drop)]);
        let read: Envelope | undefined;
        const refusal = refusalOf(() => {
          read = decodeEnvelope(changed);
        });
        if (read === undefined) return refusal;
        // A letter for another: right in every field, and read again as it is written.
        envelopes++;
        expect(decodeEnvelope(new TextEncoder().encode(JSON.stringify(read)))).toEqual(read);
        return new MeshError("invalid-event", "is an envelope");
      },
      2000,
    );
    expect(envelopes).toBeLessThan(1000);
  });
});
