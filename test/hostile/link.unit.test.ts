import { type Envelope, MeshError, type Message, Policy, parseEventPattern } from "@adaos/core";
import { openDelivery, Signatures } from "@adaos/core/wire";
import { Admission, Clearance } from "@adaos/root";
import { mendClient } from "@adaos/transport-nats";
import fc from "fast-check";
import type { Msg } from "nats";
import { MsgImpl } from "nats/lib/nats-base-client/msg.js";
import { beforeAll, describe, expect, test } from "vitest";
import { brokenUtf8, deepJson, hostileToken, hugeNumber, tryHostile } from "../kit/hostile.ts";
import { contractOf, envelopeOf, registryOf, TestDelivery } from "../kit/stand-ins.ts";

const SUBJECT = "evt.alpha.kitchen.ui.notify.v1";
const encoder = new TextEncoder();

/** A message as the client library makes it of the bytes that a server sends. */
function received(subject: string, body: Uint8Array, head = ""): Msg {
  const hdr = encoder.encode(head);
  const data = Uint8Array.from([...hdr, ...body]);
  const info = {
    subject: encoder.encode(subject),
    sid: 1,
    hdr: head === "" ? -1 : hdr.length,
    size: data.length,
  };
  return new MsgImpl(info, data, { publish: () => undefined }) as Msg;
}

function bodyOf(changes: Partial<Envelope> = {}, data = "null"): Uint8Array {
  const text = JSON.stringify({ ...envelopeOf(), ...changes, data: "DATA" });
  return encoder.encode(text.replace('"DATA"', () => data));
}

describe("a link", () => {
  const uplink = new Admission({
    policy: new Policy([
      { id: "export", effect: "allow", verb: "export", subnet: "alpha", pattern: parseEventPattern("*") },
    ]),
    tenants: new Map([["alpha", "default"]]),
    nodes: new Map([["alpha", new Set(["kitchen"])]]),
    signatures: new Signatures(),
    clearance: new Clearance(new Map(), () => []),
    foreignTenant: () => undefined,
    direction: "up",
    subnet: "alpha",
  });
  beforeAll(mendClient);

  /**
   * The refusal of what may not cross. It is a MeshError whatever comes: a link ends no event for a fault of its own.
   */
  function refusalOf(msg: Msg): MeshError | undefined {
    try {
      uplink.admit(msg);
    } catch (thrown) {
      if (!(thrown instanceof MeshError)) throw thrown;
      expect(["invalid-event", "denied", "too-large"]).toContain(thrown.code);
      return thrown;
    }
    return undefined;
  }

  test("admits an event that is right", () => {
    expect(refusalOf(received(SUBJECT, bodyOf()))).toBeUndefined();
  });

  test("takes no subject that it should not, whatever stands in it", async () => {
    const subject = fc.oneof(
      hostileToken.map((token) => `evt.${token}.kitchen.ui.notify.v1`),
      hostileToken.map((token) => `evt.alpha.${token}.ui.notify.v1`),
      hostileToken.map((token) => `evt.alpha.kitchen.ui.${token}.v1`),
      hostileToken.map((token) => `evt.alpha.kitchen.ui.notify.v${token}`),
      hostileToken.map((token) => `rpy.far.beta.desk.${token}.x.alpha.kitchen.ui.notify.v1`),
      hostileToken.map((token) => `rpy.${token}.beta.desk.EVT-1.alpha.kitchen.ui.notify.v1`),
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "$JS.API.STREAM.DELETE.MESH",
        "evt.beta.kitchen.ui.notify.v1",
        "evt.alpha.desk.ui.notify.v1",
      ),
    );
    await tryHostile("subjects at a link", subject, (text) => refusalOf(received(text, bodyOf())));
  });

  test("takes no body that is no envelope of the subject's origin and event", async () => {
    const body = fc.oneof(
      fc
        .constantFrom<Partial<Envelope>>(
          { source: "app@desk" },
          { source: "app@kitchen@kitchen" },
          { source: "app@KITCHEN" },
          { event_name: "ui.notify2" },
          { version: 2 },
          { tenant: "other" },
          { kind: "query" as "event" },
        )
        .map((changes) => bodyOf(changes)),
      deepJson.map((json) => bodyOf({}, json)),
      hugeNumber.map((number) => bodyOf({}, number)),
      brokenUtf8.map((bytes) => Uint8Array.from([...bodyOf().slice(0, -1), ...bytes, 0x7d])),
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((json) => encoder.encode(json)),
    );
    await tryHostile("bodies at a link", body, (bytes) => refusalOf(received(SUBJECT, bytes)));
  });

  test("hands on no header but the trace, however the block of headers is made", async () => {
    const key = fc.oneof(
      fc.constantFrom(
        "Nats-Msg-Id",
        "Nats-Rollup",
        "Nats-Expected-Stream",
        "nats-batch-id",
        "traceparent",
        "baggage",
      ),
      fc.constantFrom("TraceParent", "", " ", "a b", "\0", "traceparent ", "\u00e9"),
      fc.string({ unit: "binary", maxLength: 10 }),
    );
    const value = fc.oneof(
      fc.constantFrom("00-1-2-01", "a\nNats-Rollup: all", "a\rb", "\0", "\u00e9", "x".repeat(9000), ""),
      fc.string({ unit: "binary" }),
    );
    const block = fc
      .array(
        fc.tuple(key, fc.constantFrom(": ", ":", ""), value).map((parts) => parts.join("")),
        { maxLength: 6 },
      )
      .map((lines) => `NATS/1.0\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`);
    await tryHostile("blocks of headers at a link", block, (head) => {
      const { headers } = uplink.admit(received(SUBJECT, bodyOf(), head)).message;
      const stray = Object.entries(headers).filter(
        ([name, held]) => !/^(traceparent|tracestate|baggage)$/.test(name) || !/^[ -~]{1,8192}$/.test(held),
      );
      return stray.length === 0 ? new MeshError("denied", "nothing stray was handed on") : undefined;
    });
  });

  test("reads a key that stands twice as its handler does", async () => {
    const registry = registryOf(contractOf("ui.notify"));
    const opener = { address: { subnet: "beta", node: "desk" }, tenant: "default", registry };
    const field = fc.constantFrom(
      "tenant",
      "source",
      "event_name",
      "event_id",
      "version",
      "kind",
      "headers",
      "data",
    );
    const twice = fc.tuple(field, fc.jsonValue({ maxDepth: 1 }), fc.boolean());
    await tryHostile("keys that stand twice", twice, ([name, value, first]) => {
      const again = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
      const text = JSON.stringify(envelopeOf());
      const body = encoder.encode(
        first ? text.replace("{", () => `{${again},`) : text.replace(/\}$/, () => `,${again}}`),
      );
      const message: Message = { subject: SUBJECT, id: "x", headers: {}, body };
      const handled = openDelivery(new TestDelivery(message), opener);
      const refusal = refusalOf(received(SUBJECT, body));
      // Whatever crosses is the same event at the other end; the tenant is the link's to check.
      const differ =
        refusal === undefined &&
        JSON.stringify(uplink.admit(received(SUBJECT, body)).envelope) !== JSON.stringify(handled.envelope);
      return differ ? undefined : new MeshError("invalid-event", "both read the same");
    });
  });
});
