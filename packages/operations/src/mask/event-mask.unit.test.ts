import { decodeEnvelope, encodeEnvelope, type TimerInfo } from "@adaos/core";
import type { DeadLetter } from "@adaos/core/wire";
import { describe, expect, test } from "vitest";
import { envelopeOf } from "../../../../test/kit/stand-ins.ts";
import { EventMask } from "./event-mask.ts";

/** A registry in which `lab.person@1` is classified as a whole. */
const mask = new EventMask({ mask: (name, _, data) => (name === "lab.person" ? "[pii]" : data) });
const PERSON = "evt.alpha.kitchen.lab.person.v1";
const NOTICE = "evt.alpha.kitchen.ui.notify.v1";
const person = envelopeOf({ event_name: "lab.person", data: "canary" as never });
const notice = envelopeOf({ data: "plain" as never });

function letter(subject: string, body: Uint8Array): DeadLetter {
  const message = { headers: {}, body_base64: Buffer.from(body).toString("base64") };
  return { subject, message } as DeadLetter;
}

function shownBody(subject: string, body: Uint8Array): unknown {
  const { message } = mask.deadLetter(letter(subject, body));
  return decodeEnvelope(Buffer.from(message.body_base64, "base64")).data;
}

describe("EventMask", () => {
  test("masks by what the subject says and by what the envelope claims", () => {
    expect(mask.envelope(person).data).toBe("[pii]");
    expect(mask.envelope(notice, NOTICE).data).toBe("plain");
    expect(mask.envelope(notice, PERSON).data).toBe("[pii]");
    expect(mask.envelope(person, NOTICE).data).toBe("[pii]");
    expect(mask.envelope(person, "no subject of an event").data).toBe("[pii]");
  });

  test("masks the data that a timer publishes", () => {
    const timer = (event: string, data: unknown) => mask.timer({ event, data } as TimerInfo).data;
    expect(timer("lab.person@1", "canary")).toBe("[pii]");
    expect(timer("lab.person@1", null)).toBe(null);
    expect(timer("ui.notify@1", "plain")).toBe("plain");
  });

  test("masks the event in a dead letter, also one of a replay", () => {
    expect(shownBody(PERSON, encodeEnvelope(person))).toBe("[pii]");
    expect(shownBody("rpl.desk.screen.alpha.kitchen.lab.person.v1", encodeEnvelope(notice))).toBe("[pii]");
    expect(mask.deadLetter(letter(PERSON, encodeEnvelope(person))).masked).toBe(true);
  });

  test("leaves the bytes of other dead letters as they are", () => {
    const entry = letter(NOTICE, encodeEnvelope(notice));
    expect(mask.deadLetter(entry)).toBe(entry);
    const broken = letter(NOTICE, Buffer.from("{"));
    expect(mask.deadLetter(broken)).toBe(broken);
  });

  test("shows nothing of bytes that are no envelope where an event with classified data should be", () => {
    const { message, masked } = mask.deadLetter(letter(PERSON, Buffer.from('{"canary":')));
    expect([message.body_base64, masked]).toEqual(["", true]);
  });
});
