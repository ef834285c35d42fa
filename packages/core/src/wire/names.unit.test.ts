import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { originToken } from "../../../../test/kit/arbitraries.ts";
import { filtersOverlap } from "../../../../test/kit/nats-wildcards.ts";
import { bridgePrefix, hubServiceSubject, inboxPrefix, ingestPrefix, memberConsumer } from "./names.ts";

const pair = fc.tuple(originToken, originToken);

describe("memberConsumer()", () => {
  test("never gives two durables one consumer", () => {
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        fc.pre(a[0] !== b[0] || a[1] !== b[1]);
        expect(memberConsumer(...a)).not.toBe(memberConsumer(...b));
      }),
    );
  });

  test("is one token of a subject", () => {
    fc.assert(
      fc.property(pair, (names) => {
        expect(memberConsumer(...names)).toMatch(/^[a-z0-9_-]+$/);
      }),
    );
  });
});

describe("inboxPrefix(), bridgePrefix(), hubServiceSubject()", () => {
  test("never lets one name reach into another's", () => {
    fc.assert(
      fc.property(originToken, originToken, (a, b) => {
        fc.pre(a !== b);
        expect(filtersOverlap(`${inboxPrefix(a)}.>`, `${inboxPrefix(b)}.>`)).toBe(false);
        expect(filtersOverlap(`${bridgePrefix(a)}.>`, `${bridgePrefix(b)}.>`)).toBe(false);
        expect(hubServiceSubject(a, "durable")).not.toBe(hubServiceSubject(b, "durable"));
      }),
    );
  });
});

describe("ingestPrefix()", () => {
  test("lies below the subnet's bridge", () => {
    expect(filtersOverlap(`${ingestPrefix("alpha")}.evt`, `${bridgePrefix("alpha")}.>`)).toBe(true);
  });
});
