import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventIdWithin, keyedIds } from "./message-ids.ts";

const SUBJECT = "evt.alpha.kitchen.ui.notify.v1";
const EVENT = "EVT-20250923-162000-0123456789ab";
const ids = keyedIds("SUAKITCHEN");

describe("keyedIds()", () => {
  test("makes the same id in every process of a node", () => {
    expect(keyedIds("SUAKITCHEN").of(SUBJECT, EVENT)).toBe(ids.of(SUBJECT, EVENT));
    expect(ids.of(SUBJECT, EVENT)).toMatch(/^EVT-20250923-162000-0123456789ab\.[A-Za-z0-9_-]{22}$/);
  });

  test.each([
    ["of another node", keyedIds("SUAEVIL").of(SUBJECT, EVENT)],
    ["under another subject", ids.of("evt.alpha.garden.ui.notify.v1", EVENT)],
    ["for another stream", ids.of("link.beta.in.alpha.kitchen.ui.notify.v1", EVENT)],
    ["with a salt", ids.of(SUBJECT, EVENT, "x")],
  ])("makes another id %s", (_, other) => {
    expect(other).not.toBe(ids.of(SUBJECT, EVENT));
    expect(eventIdWithin(other)).toBe(EVENT);
  });

  test("never takes one pair of subject and id for another", () => {
    const subject = fc.stringMatching(/^[!-)+-=?-~]{1,40}$/);
    const id = fc.stringMatching(/^[ -~]{1,40}$/);
    fc.assert(
      fc.property(subject, id, subject, id, (a, b, c, d) => {
        expect(ids.of(a, b) === ids.of(c, d)).toBe(a === c && b === d);
        expect(eventIdWithin(ids.of(a, b))).toBe(b);
      }),
    );
  });
});

describe("eventIdWithin()", () => {
  test.each([EVENT, "", "a.b", `${EVENT}.tooshort`])("takes %j of an earlier version as it is", (id) => {
    expect(eventIdWithin(id)).toBe(id);
  });
});
