import { describe, expect, test } from "vitest";
import { parkedLetter } from "../dead-letter/dead-letter.ts";
import {
  formatParkedPlace,
  parkedEventSubject,
  parkedWaitFilter,
  parkedWaitSubject,
  parseParkedPlace,
  parseParkedSubject,
} from "./parked-subject.ts";
import { parseSubject } from "./subject.ts";

const ADDRESS = parseSubject("evt.alpha.kitchen.ui.notify.v2");
const PLACE = "7.1767600000000.120.alpha.kitchen.ui.notify.v2";
const OWNER = { node: "desk", durable: "screen" };

describe("formatParkedPlace()", () => {
  test("tells all that is needed to count an event", () => {
    const place = { seq: 7, storedMs: 1_767_600_000_000, bytes: 120, address: ADDRESS };
    expect(formatParkedPlace(place)).toBe(PLACE);
    expect(parseParkedPlace(PLACE)).toEqual(place);
  });

  test.each([
    "",
    "7",
    "7.8.9",
    "x.1.1.alpha.kitchen.ui.notify.v1",
    "7.1.1.alpha.kitchen.v1",
    "7.1.1.a.>.ui.notify.v1",
  ])("is not read from %j", (place) => {
    expect(() => parseParkedPlace(place)).toThrow(expect.objectContaining({ code: "invalid-event" }));
  });
});

describe("parseParkedSubject()", () => {
  test("splits the subject of a copy and of a wait", () => {
    expect(parseParkedSubject(parkedEventSubject(PLACE))).toEqual({ kind: "event", place: PLACE });
    expect(parseParkedSubject(parkedWaitSubject(OWNER, PLACE))).toEqual({
      kind: "wait",
      ...OWNER,
      place: PLACE,
    });
    expect(parkedWaitFilter({ ...OWNER, durable: "*" })).toBe("parked.wait.desk.*.>");
  });

  test.each(["evt.alpha.kitchen.ui.notify.v1", "parked", "parked.other.a.b.c", "parked.wait.desk"])(
    "finds nothing in %s",
    (subject) => {
      expect(parseParkedSubject(subject)).toBeUndefined();
    },
  );
});

describe("parkedLetter()", () => {
  test("is the same at each look, and names the durable that waits", () => {
    const stored = { headers: {}, body: new TextEncoder().encode("{}") };
    const letter = parkedLetter({ subnet: "beta", ...OWNER }, PLACE, stored);
    expect(letter).toEqual(parkedLetter({ subnet: "beta", ...OWNER }, PLACE, stored));
    expect(letter).toMatchObject({
      dead_letter_id: "DLQ-EVENTS_beta-7-desk.screen",
      rule: "unknown-event",
      category: "transient",
      at: new Date(1_767_600_000_000).toISOString(),
      subject: "evt.alpha.kitchen.ui.notify.v2",
      event_name: "ui.notify",
      event_id: "",
    });
  });
});
