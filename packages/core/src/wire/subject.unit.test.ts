import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventName, HOSTILE_TOKENS, originToken, version } from "../../../../test/kit/arbitraries.ts";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import {
  type EventAddress,
  formatReplaySubject,
  formatSubject,
  parseDeliverySubject,
  parseNodeAddress,
  parseSubject,
  replayPrefix,
} from "./subject.ts";

const address = fc.record({ subnet: originToken, node: originToken, name: eventName, version });

const NOTIFY: EventAddress = { subnet: "alpha", node: "kitchen", name: "ui.notify", version: 1 };

describe("formatSubject()", () => {
  test("joins origin, name and version", () => {
    expect(formatSubject({ ...NOTIFY, name: "nlp.intent.detected", version: 12 })).toBe(
      "evt.alpha.kitchen.nlp.intent.detected.v12",
    );
  });

  test("writes what parseSubject() reads back", () => {
    fc.assert(
      fc.property(address, (event) => {
        expect(parseSubject(formatSubject(event))).toEqual(event);
      }),
    );
  });

  test.each([1, 9999])("takes version %d", (major) => {
    const subject = formatSubject({ ...NOTIFY, version: major });
    expect(parseSubject(subject).version).toBe(major);
  });

  test("never writes two events to one subject", () => {
    fc.assert(
      fc.property(address, address, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        expect(formatSubject(a)).not.toBe(formatSubject(b));
      }),
    );
  });

  test.each(HOSTILE_TOKENS)("refuses %s as subnet, node and part of the name", (_, token) => {
    for (const event of [
      { ...NOTIFY, subnet: token },
      { ...NOTIFY, node: token },
      { ...NOTIFY, name: `ui.${token}` },
      { ...NOTIFY, name: `${token}.notify` },
    ]) {
      expect(meshErrorOf(() => formatSubject(event)).code).toBe("invalid-event");
    }
  });

  test.each(["a.b", "-a", "a_b", "a".repeat(64)])("refuses %j as subnet and node", (token) => {
    expect(meshErrorOf(() => formatSubject({ ...NOTIFY, subnet: token })).message).toContain("subnet");
    expect(meshErrorOf(() => formatSubject({ ...NOTIFY, node: token })).message).toContain("node");
  });

  test.each([0, -1, 1.5, 10_000, Number.NaN, Number.POSITIVE_INFINITY])("refuses the version %d", (major) => {
    expect(meshErrorOf(() => formatSubject({ ...NOTIFY, version: major })).message).toContain("version");
  });

  test("refuses a name that ends like a version, since it would read back as another event", () => {
    expect(meshErrorOf(() => formatSubject({ ...NOTIFY, name: "ui.notify.v2" })).code).toBe("invalid-event");
  });
});

describe("parseSubject()", () => {
  test.each([
    ["no root", "alpha.kitchen.ui.notify.v1"],
    ["another root", "ingest.alpha.kitchen.ui.notify.v1"],
    ["no version", "evt.alpha.kitchen.ui.notify"],
    ["version 0", "evt.alpha.kitchen.ui.notify.v0"],
    ["a version with a leading zero", "evt.alpha.kitchen.ui.notify.v01"],
    ["version 10000", "evt.alpha.kitchen.ui.notify.v10000"],
    ["two versions", "evt.alpha.kitchen.ui.notify.v1.v1"],
    ["a name of one token", "evt.alpha.kitchen.ui.v1"],
    ["a name of nine tokens", "evt.alpha.kitchen.a.b.c.d.e.f.g.h.i.v1"],
    ["a wildcard for the subnet", "evt.*.kitchen.ui.notify.v1"],
    ["a wildcard for the node", "evt.alpha.*.ui.notify.v1"],
    ["a wildcard in the name", "evt.alpha.kitchen.ui.*.v1"],
    ["the rest wildcard", "evt.>"],
    ["an empty token", "evt.alpha..ui.notify.v1"],
    ["a line feed at its end", "evt.alpha.kitchen.ui.notify.v1\n"],
    ["nothing", ""],
    ["5,000 dots", ".".repeat(5000)],
  ])("refuses a subject with %s", (_, subject) => {
    expect(meshErrorOf(() => parseSubject(subject)).code).toBe("invalid-event");
  });

  test("takes only what formatSubject() writes, and throws nothing but invalid-event", () => {
    const token = fc.oneof(
      fc.constantFrom("evt", "alpha", "ui", "notify", "v1", "*", ">", ""),
      fc.string({ unit: "binary", maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 9 }), (tokens) => {
        const subject = ["evt", "a", ...tokens].join(".");
        let parsed: EventAddress;
        try {
          parsed = parseSubject(subject);
        } catch {
          expect(meshErrorOf(() => parseSubject(subject)).code).toBe("invalid-event");
          return;
        }
        expect(formatSubject(parsed)).toBe(subject);
      }),
      { numRuns: 500 },
    );
  });

  test("quotes no more than 80 characters of a long subject", () => {
    expect(meshErrorOf(() => parseSubject("evt.".repeat(5000))).message.length).toBeLessThan(200);
  });
});

describe("formatReplaySubject(), parseDeliverySubject()", () => {
  const SUBJECT = "evt.alpha.kitchen.ui.notify.v1";

  test("write and read the same event, below what its durable alone takes", () => {
    const to = fc.record({ node: originToken, durable: originToken });
    fc.assert(
      fc.property(address, to, (event, durable) => {
        const replayed = formatReplaySubject(durable, formatSubject(event));
        expect(parseDeliverySubject(replayed)).toEqual(event);
        expect(replayed.startsWith(`${replayPrefix(durable)}.`)).toBe(true);
      }),
    );
  });

  test("read a delivery that is no replay", () => {
    expect(parseDeliverySubject(SUBJECT)).toEqual(NOTIFY);
  });

  test.each(HOSTILE_TOKENS)("refuse %s as node and durable", (_, token) => {
    for (const to of [
      { node: token, durable: "d" },
      { node: "desk", durable: token },
    ]) {
      expect(meshErrorOf(() => formatReplaySubject(to, SUBJECT)).code).toBe("invalid-event");
    }
  });

  test.each(["", "rpl", "rpl.a.b", "rpl.desk.d.evt", `rpl.${SUBJECT}`, `rpl.desk.${SUBJECT.slice(4)}`])(
    "refuse %j, which is no delivery",
    (subject) => {
      expect(meshErrorOf(() => parseDeliverySubject(subject)).code).toBe("invalid-event");
    },
  );

  test("refuse to replay what is no event", () => {
    const to = { node: "desk", durable: "d" };
    expect(meshErrorOf(() => formatReplaySubject(to, "rpl.desk.d.alpha.kitchen.ui.notify.v1")).code).toBe(
      "invalid-event",
    );
  });
});

describe("parseNodeAddress()", () => {
  test("splits subnet and node", () => {
    expect(parseNodeAddress("alpha/kitchen")).toEqual({ subnet: "alpha", node: "kitchen" });
  });

  test.each(["", "/", "alpha", "alpha/", "/kitchen", "a/b/c", "alpha/Kitchen", "alpha/*", "alpha/kitchen\n"])(
    "refuses %j as usage, with an example",
    (text) => {
      const { code, message } = meshErrorOf(() => parseNodeAddress(text));
      expect(code).toBe("usage");
      expect(message).toContain("alpha/kitchen");
    },
  );
});
