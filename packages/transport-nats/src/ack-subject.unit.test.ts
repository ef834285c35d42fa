import { describe, expect, test } from "vitest";
import { parseAckSubject } from "./ack-subject.ts";

describe("parseAckSubject()", () => {
  const tail = "3.42.7.1700000000000000000.9";

  test.each([
    ["today's form", `$JS.ACK.EVENTS_alpha.kitchen_d.${tail}`],
    ["the form with domain and account", `$JS.ACK.alpha.ACCHASH.EVENTS_alpha.kitchen_d.${tail}`],
    ["that form with its random token", `$JS.ACK.alpha.ACCHASH.EVENTS_alpha.kitchen_d.${tail}.r4nd0m`],
    ["that form without a domain", `$JS.ACK._.ACCHASH.EVENTS_alpha.kitchen_d.${tail}`],
  ])("reads %s", (_, subject) => {
    expect(parseAckSubject(subject)).toEqual({
      seq: 42,
      consumerSeq: 7,
      deliveryCount: 3,
      storedMs: 1_700_000_000_000,
      key: "42 1700000000000000000",
    });
  });

  test("gives one message one key, whichever delivery and form it is", () => {
    const key = parseAckSubject("$JS.ACK.S.C.1.42.7.17.9")?.key;
    expect(parseAckSubject("$JS.ACK.S.C.2.42.99.17.0")?.key).toBe(key);
    expect(parseAckSubject("$JS.ACK.D.A.S.C.2.42.99.17.0.x")?.key).toBe(key);
    expect(parseAckSubject("$JS.ACK.S.C.1.42.7.18.9")?.key).not.toBe(key);
  });

  test.each(["", "x", "_INBOX.a.b", "$JS.ACK", "$JS.ACK.S.C.1.42", "$JS.API.S.C.1.42.7.17.9"])(
    "finds nothing in %j",
    (subject) => {
      expect(parseAckSubject(subject)).toBeUndefined();
    },
  );
});
