import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AckSubjects, parseAckSubject } from "./ack-subject.ts";

describe("parseAckSubject()", () => {
  const tail = "3.42.7.1700000000000000000.9";

  test.each([
    ["today's form", `$JS.ACK.EVENTS_alpha.kitchen_d.${tail}`],
    ["the form with domain and account", `$JS.ACK.alpha.ACCHASH.EVENTS_alpha.kitchen_d.${tail}`],
    ["that form with its random token", `$JS.ACK.alpha.ACCHASH.EVENTS_alpha.kitchen_d.${tail}.r4nd0m`],
    ["that form without a domain", `$JS.ACK._.ACCHASH.EVENTS_alpha.kitchen_d.${tail}`],
  ])("reads %s", (_, subject) => {
    expect(parseAckSubject(subject)).toEqual({
      source: expect.stringMatching(/^(?:(?:alpha|_)\.ACCHASH\.)?EVENTS_alpha\.kitchen_d$/),
      seq: 42,
      consumerSeq: 7,
      deliveryCount: 3,
      storedMs: 1_700_000_000_000,
    });
  });

  test("tells number and time of one message alike, whichever delivery and form it is", () => {
    const placeOf = (subject: string): unknown => {
      const { seq, storedMs } = parseAckSubject(subject) ?? {};
      return [seq, storedMs];
    };
    const place = placeOf("$JS.ACK.S.C.1.42.7.17000000.9");
    expect(placeOf("$JS.ACK.S.C.2.42.99.17000000.0")).toEqual(place);
    expect(placeOf("$JS.ACK.D.A.S.C.2.42.99.17000000.0.x")).toEqual(place);
    expect(placeOf("$JS.ACK.S.C.1.42.7.18000000.9")).not.toEqual(place);
  });

  test.each(["", "x", "_INBOX.a.b", "$JS.ACK", "$JS.ACK.S.C.1.42", "$JS.API.S.C.1.42.7.17.9"])(
    "finds nothing in %j",
    (subject) => {
      expect(parseAckSubject(subject)).toBeUndefined();
    },
  );

  test.each([
    ["a number that is none", "$JS.ACK.S.C.1.x.7.17.9"],
    ["a negative one", "$JS.ACK.S.C.1.-42.7.17.9"],
    ["a broken one", "$JS.ACK.S.C.1.4.2.7.17.9e1"],
    ["an exponent", "$JS.ACK.S.C.1.1e3.7.17.9"],
    ["hexadecimal", "$JS.ACK.S.C.1.0x10.7.17.9"],
    ["a zero before it", "$JS.ACK.S.C.1.042.7.17.9"],
    ["a place that there is not", "$JS.ACK.S.C.1.0.7.17.9"],
    ["more than can be exact", "$JS.ACK.S.C.1.9007199254740993.7.17.9"],
    ["nothing", "$JS.ACK.S.C.1..7.17.9"],
    ["no time", "$JS.ACK.S.C.1.42.7..9"],
    ["ten tokens", "$JS.ACK.S.C.1.42.7.17.9.x"],
    ["thirteen tokens", "$JS.ACK.D.A.S.C.1.42.7.17.9.x.y"],
    ["a kilobyte", `$JS.ACK.${"S".repeat(1000)}.C.1.42.7.17.9`],
  ])("does not take %s", (_, subject) => {
    expect(parseAckSubject(subject)).toBeUndefined();
  });

  test("gives safe numbers or nothing, whatever a server writes", () => {
    const token = fc.oneof(
      fc.nat().map(String),
      fc.bigInt().map(String),
      fc.double().map(String),
      fc.constantFrom("", "$JS", "ACK", "MESH", "to-beta", "STREAM", "DELETE", ">", "*", "NaN", " 1", "1 "),
      fc.string({ unit: "binary" }),
    );
    const subject = fc.array(token, { maxLength: 12 }).map((tokens) => ["$JS.ACK", ...tokens].join("."));
    fc.assert(
      fc.property(fc.oneof(subject, fc.string({ unit: "binary" })), (text) => {
        const at = parseAckSubject(text);
        if (at === undefined) return;
        for (const count of [at.seq, at.consumerSeq, at.deliveryCount]) {
          expect(Number.isSafeInteger(count) && count > 0).toBe(true);
        }
        expect(Number.isFinite(at.storedMs)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("AckSubjects", () => {
  const acks = new AckSubjects({ stream: "EVENTS_alpha", consumer: "root", domain: "alpha" });
  const tail = "1.42.7.17.9";

  test.each([`$JS.ACK.EVENTS_alpha.root.${tail}`, `$JS.ACK.alpha.aCC0.EVENTS_alpha.root.${tail}.x`])(
    "knows %s as its own, and writes it with other numbers",
    (subject) => {
      const at = parseAckSubject(subject);
      if (at === undefined) throw new Error("not read");
      expect(acks.isOwn(at)).toBe(true);
      const written = acks.of({ ...at, seq: 43, consumerSeq: 8 });
      expect(parseAckSubject(written)).toMatchObject({ source: at.source, seq: 43, consumerSeq: 8 });
    },
  );

  test.each([
    "MESH.to-beta",
    "EVENTS_beta.root",
    "EVENTS_alpha.kitchen_d",
    "EVENTS_alpha.root2",
    "alpha.A.EVENTS_beta.root",
    "beta.A.EVENTS_alpha.root",
    "alpha.>.EVENTS_alpha.root",
    "alpha.*.EVENTS_alpha.root",
    "alpha..EVENTS_alpha.root",
    `alpha.${"A".repeat(65)}.EVENTS_alpha.root`,
  ])("knows %s as another's", (source) => {
    const at = parseAckSubject(`$JS.ACK.${source}.${tail}`);
    expect(at !== undefined && acks.isOwn(at)).toBe(false);
  });
});
