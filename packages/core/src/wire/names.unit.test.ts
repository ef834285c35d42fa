import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { originToken } from "../../../../test/kit/arbitraries.ts";
import { filtersOverlap } from "../../../../test/kit/nats-wildcards.ts";
import { deadLetterSubject, parseDeadLetterSubject } from "./dead-letter-subject.ts";
import {
  bridgePrefix,
  HUB_SERVICES,
  hubServiceSubject,
  inboxPrefix,
  ingestPrefix,
  memberConsumer,
  parseHubServiceSubject,
  parseMemberConsumer,
} from "./names.ts";

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

describe("parseMemberConsumer(), parseHubServiceSubject(), parseDeadLetterSubject()", () => {
  test("read what was formatted", () => {
    fc.assert(
      fc.property(pair, fc.constantFrom(...HUB_SERVICES), ([node, durable], service) => {
        expect(parseMemberConsumer(memberConsumer(node, durable))).toEqual({ node, durable });
        expect(parseHubServiceSubject(hubServiceSubject(node, service))).toEqual({ node, service });
        const owner = { subnet: "alpha", node, durable };
        expect(parseDeadLetterSubject(deadLetterSubject(owner, "17"))).toEqual(owner);
      }),
    );
  });

  test("read nothing else", () => {
    const parse = [parseMemberConsumer, parseHubServiceSubject, parseDeadLetterSubject];
    const others = [
      "",
      "root",
      "a_b_c",
      "svc.hub.a",
      "svc.hub.a.other",
      "svc.hub.a.reply.b",
      "x.hub.a.reply",
    ];
    for (const text of [...others, "dlq.alpha.a.b", "evt.alpha.a.b.c"])
      expect(
        parse.map((one) => one(text)),
        text,
      ).toEqual([undefined, undefined, undefined]);
  });
});
