import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  contractOf,
  envelopeOf,
  meshErrorOf,
  messageOfEnvelope,
  registryOf,
  TestDelivery,
} from "../../../../test/kit/stand-ins.ts";
import type { DeadLetter } from "../dead-letter/dead-letter.ts";
import { replayOf, replayOfStored } from "../dead-letter/replay.ts";
import { openDelivery } from "../handle/open-delivery.ts";
import { type Envelope, encodeEnvelope } from "../language/envelope.ts";
import type { Message } from "../transport.ts";
import { parseSignature, SIGNATURE_HEADER, signatureKey, signatureOf } from "./signature.ts";
import { assertSigned, Signatures, type SubnetSignatures } from "./signatures.ts";

const MAX_AGE_MS = 60_000;
const TS = envelopeOf().ts;
const TS_MS = Date.parse(TS);
const keyOf = (fill: number) => signatureKey(Buffer.alloc(32, fill));
const K1 = keyOf(1);
const K2 = keyOf(2);

function signing(changes: Partial<SubnetSignatures> = {}): Signatures {
  const keys = new Map([
    ["k1", K1],
    ["k2", K2],
  ]);
  return new Signatures(
    new Map([["alpha", { sign: "k2", keys, maxAgeMs: MAX_AGE_MS, required: true, ...changes }]]),
  );
}

function signed(envelope: Envelope = envelopeOf(), by: Signatures = signing()): Message {
  return by.sign("alpha", messageOfEnvelope(envelope), envelope);
}

function withHeader(message: Message, header: string): Message {
  return { ...message, headers: { [SIGNATURE_HEADER]: header } };
}

/** The rule by which a message is refused; nothing for one that is not. */
function ruleOf(message: Message, storedMs?: number, by: Signatures = signing()): string | undefined {
  try {
    by.verify("alpha", message, storedMs);
    return undefined;
  } catch (thrown) {
    const { code, rule } = meshErrorOf(() => {
      throw thrown;
    });
    expect(code).toBe("denied");
    return rule;
  }
}

describe("a signature", () => {
  const text = fc.string({ minLength: 1, maxLength: 40 });
  const id = fc.stringMatching(/^[!-~]{1,52}$/);
  const subject = fc.stringMatching(/^evt\.[a-z]{1,9}\.[a-z]{1,9}\.ui\.[a-z]{1,9}\.v[1-9]$/);
  const body = fc.uint8Array({ maxLength: 200 });

  test("is good for what was signed, and for nothing that differs in anything", () => {
    let tried = 0;
    const through: unknown[] = [];
    const change = fc.constantFrom("key id", "id", "ts", "subject", "body", "mac", "header");
    fc.assert(
      fc.property(subject, id, id, body, change, text, fc.nat(), (at, eventId, ts, bytes, what, odd, n) => {
        const message = { subject: at, id: eventId, headers: {}, body: bytes };
        const header = signatureOf(message, { eventId, ts }, "k2", K2);
        expect(signing().verify("alpha", withHeader(message, header))).toMatchObject({ eventId, ts });
        const [keyId = "", , , mac = ""] = header.split(" ");
        const put = (whole: string): string => {
          const place = n % (whole.length + 1);
          return whole.slice(0, place) + odd + whole.slice(place);
        };
        const other = (whole: string): string => {
          const place = n % whole.length;
          const letter = whole[place] === "A" ? "B" : "A";
          return whole.slice(0, place) + letter + whole.slice(place + 1);
        };
        const bytesOf = (whole: Uint8Array): Uint8Array =>
          whole.length === 0
            ? Uint8Array.of(n % 256)
            : whole.map((b, i) => (i === n % whole.length ? b ^ 1 : b));
        const attacks: Record<string, Message> = {
          "key id": withHeader(message, `k1 ${eventId} ${ts} ${mac}`),
          id: withHeader(message, `${keyId} ${other(eventId)} ${ts} ${mac}`),
          ts: withHeader(message, `${keyId} ${eventId} ${other(ts)} ${mac}`),
          subject: withHeader({ ...message, subject: other(at) }, header),
          body: withHeader({ ...message, body: bytesOf(bytes) }, header),
          mac: withHeader(message, `${keyId} ${eventId} ${ts} ${other(mac)}`),
          header: withHeader(message, put(header)),
        };
        const attack = attacks[what] as Message;
        tried++;
        if (ruleOf(attack) !== "signature") through.push([what, header, attack]);
      }),
      { numRuns: 5000 },
    );
    process.stdout.write(`${tried} changed messages tried, ${through.length} got through\n`);
    expect(through).toEqual([]);
  });

  test("tells apart messages whose parts run into each other", () => {
    const one = { subject: "evt.alpha.a.ui.x.v1", body: Buffer.from("b\nc") };
    const header = signatureOf(one, { eventId: "E1", ts: "T1" }, "k2", K2);
    const { mac } = parseSignature(header) ?? { mac: "" };
    for (const parts of ["E1T 1", "E T1", "E1T1 x"]) {
      expect(ruleOf(withHeader({ ...one, id: "", headers: {} }, `k2 ${parts} ${mac}`))).toBe("signature");
    }
  });

  test.each([
    ["nothing", ""],
    ["the key alone", "k2"],
    ["a short mac", `k2 E T ${"a".repeat(42)}`],
    ["a long mac", `k2 E T ${"a".repeat(44)}`],
    ["base64 that is not for URLs", `k2 E T ${"+".repeat(43)}`],
    ["two spaces", `k2  E T ${"a".repeat(43)}`],
    ["a line end", `k2 E T ${"a".repeat(43)}\n`],
    ["a key id of 33", `${"k".repeat(33)} E T ${"a".repeat(43)}`],
    ["an upper-case key id", `K2 E T ${"a".repeat(43)}`],
    ["8,000 characters", "a".repeat(8000)],
  ])("of %s is none", (_, header) => {
    expect(parseSignature(header)).toBeUndefined();
    expect(ruleOf(withHeader(messageOfEnvelope(envelopeOf()), header))).toBe("signature");
  });

  test("of a reply is good under the subject by which it is handed on; of an event, under that of its replay", () => {
    const envelope = envelopeOf();
    const replied = {
      ...messageOfEnvelope(envelope),
      subject: "rpy.near.alpha.desk.E1.alpha.kitchen.ui.x.v1",
    };
    const { headers, body } = signing().sign("alpha", replied, envelope);
    const got = replied.subject.replace("rpy", "got");
    expect(ruleOf({ subject: got, id: "", headers, body })).toBeUndefined();
    const event = signed();
    const subject = event.subject.replace("evt", "rpl.desk.screen");
    expect(ruleOf({ ...event, subject })).toBeUndefined();
    expect(ruleOf({ ...event, subject: `${subject}2` })).toBe("signature");
  });
});

describe("Signatures", () => {
  test("leaves alone what is published in the name of a subnet that signs nothing", () => {
    const message = messageOfEnvelope(envelopeOf());
    expect(signing().sign("beta", message, envelopeOf())).toBe(message);
    expect(signing().verify("beta", message)).toBeUndefined();
    expect(new Signatures().verify("alpha", withHeader(message, "nonsense"))).toBeUndefined();
  });

  test("refuses what is not signed, unless signatures are only being introduced", () => {
    const message = messageOfEnvelope(envelopeOf());
    expect(ruleOf(message)).toBe("signature");
    const introduced = signing({ required: false });
    expect(ruleOf(message, undefined, introduced)).toBeUndefined();
    expect(ruleOf(withHeader(message, "k2 E T x"), undefined, introduced)).toBe("signature");
  });

  test("takes every key that is accepted, and a retired one no more", () => {
    const byOld = signed(envelopeOf(), signing({ sign: "k1" }));
    expect(ruleOf(byOld)).toBeUndefined();
    const signatures = signing();
    signatures.replace(
      new Map([["alpha", { sign: "k2", keys: new Map([["k2", K2]]), maxAgeMs: 1, required: true }]]),
    );
    expect(ruleOf(byOld, undefined, signatures)).toBe("signature");
    expect(ruleOf(signed(), undefined, signatures)).toBeUndefined();
  });

  test.each([
    ["just as old as may be", MAX_AGE_MS, undefined],
    ["older", MAX_AGE_MS + 1, "signature-age"],
    ["ahead as clocks are", -300_000, undefined],
    ["further ahead", -300_001, "signature-age"],
    ["of no known time", Number.NaN, "signature-age"],
  ])("judges an event that is %s when it first comes in", (_, ageMs, rule) => {
    expect(ruleOf(signed(), TS_MS + ageMs)).toBe(rule);
    expect(ruleOf(signed())).toBeUndefined();
  });

  test("no error tells a key, nor does printing what holds it", () => {
    const told = JSON.stringify([
      K2,
      [...signing({}).sign("alpha", messageOfEnvelope(envelopeOf()), envelopeOf()).body],
    ]);
    const secret = Buffer.alloc(32, 2);
    for (const encoding of ["hex", "base64", "base64url"] as const)
      expect(told).not.toContain(secret.toString(encoding));
  });
});

describe("an envelope that is not the one its signature tells of", () => {
  test.each([{ event_id: "EVT-20250923-162000-00000000dead" }, { ts: "2025-09-23T16:20:00.001Z" }])(
    "is refused: %j",
    (changes) => {
      const signature = signing().verify("alpha", signed());
      expect(() => assertSigned(envelopeOf(), signature)).not.toThrow();
      const error = meshErrorOf(() => assertSigned({ ...envelopeOf(), ...changes }, signature));
      expect(error).toMatchObject({ code: "denied", rule: "signature" });
    },
  );
});

describe("openDelivery(), signed events", () => {
  const opener = (subnet: string) => ({
    address: { subnet, node: "desk" },
    tenant: "default",
    registry: registryOf(contractOf("ui.notify")),
    signatures: signing(),
  });
  const open = (message: Message, storedMs: number, subnet = "alpha") => {
    const delivery = Object.assign(new TestDelivery(message), { storedMs });
    return openDelivery(delivery, opener(subnet)).refusal;
  };
  const LATE_MS = TS_MS + 365 * 86_400_000;

  test("judges the age of its own subnet's events by when they were stored, whenever it opens them", () => {
    expect(open(signed(), TS_MS + 5)).toBeUndefined();
    expect(open(signed(), LATE_MS)).toMatchObject({ code: "denied", rule: "signature-age" });
  });

  test("does not judge the age of what was let in, nor of what is replayed", () => {
    expect(open(signed(), LATE_MS, "beta")).toBeUndefined();
    const replayed = { ...signed(), subject: signed().subject.replace("evt", "rpl.desk.screen") };
    expect(open(replayed, LATE_MS)).toBeUndefined();
  });

  test("refuses before it reads: what is not signed is not looked at", () => {
    const message = { ...messageOfEnvelope(envelopeOf()), body: Buffer.from("{") };
    expect(open(message, TS_MS)).toMatchObject({ code: "denied", rule: "signature" });
  });
});

describe("a replay", () => {
  const letterOf = ({ subject, headers, body }: Message): DeadLetter =>
    ({
      dead_letter_id: "DLQ-EVENTS_beta-17-desk.screen",
      at: "2026-01-05T09:31:00.000Z",
      node: "beta/desk",
      durable: "screen",
      subject,
      message: { headers, body_base64: Buffer.from(body).toString("base64") },
    }) as DeadLetter;
  const storedOf = (message: Message) => ({
    ...message,
    stream: "EVENTS_beta",
    seq: 17,
    storedAt: "2026-01-05T09:30:00.123456789Z",
  });
  const TO = { node: "desk", durable: "screen" };

  test("is signed anew, once more when it fails again", () => {
    const first = replayOf(letterOf(signed()), signing());
    expect(ruleOf(first)).toBeUndefined();
    expect(first.headers[SIGNATURE_HEADER]).not.toBe(signed().headers[SIGNATURE_HEADER]);
    expect(ruleOf(replayOf(letterOf(first), signing()))).toBeUndefined();
    expect(ruleOf(replayOfStored(storedOf(signed()), TO, "RPL-1", signing()))).toBeUndefined();
  });

  test("does not sign what its subnet had not", () => {
    const bare = messageOfEnvelope(envelopeOf());
    const forged = { ...signed(), body: encodeEnvelope({ ...envelopeOf(), data: "forged" }) };
    const moved = { ...signed(), subject: "evt.alpha.kitchen.ui.notify.v2" };
    for (const message of [bare, forged, moved]) {
      const error = meshErrorOf(() => replayOf(letterOf(message), signing()));
      expect(error).toMatchObject({ code: "denied", rule: "signature" });
    }
    for (const message of [bare, forged]) {
      const error = meshErrorOf(() => replayOfStored(storedOf(message), TO, "RPL-1", signing()));
      expect(error).toMatchObject({ code: "denied", rule: "signature" });
    }
  });

  test("carries no signature of another envelope where its subnet has given up signing", () => {
    expect(replayOf(letterOf(signed()), new Signatures()).headers).toEqual({});
  });
});
