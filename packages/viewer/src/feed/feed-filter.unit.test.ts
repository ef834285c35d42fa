import { parseSubject } from "@adaos/core/wire";
import { describe, expect, test } from "vitest";
import { envelopeOf } from "../../../../test/kit/stand-ins.ts";
import { FeedFilter, hasValue } from "./feed-filter.ts";
import { parseFeedQuery } from "./feed-query.ts";

const filter = (query: string): FeedFilter =>
  new FeedFilter(parseFeedQuery(new URLSearchParams(query), ["alpha", "beta", "root"], undefined));
const takesSubject = (query: string, at: string, subject: string): boolean =>
  filter(query).takesSubject(at, subject === "" ? undefined : parseSubject(subject));

describe("FeedFilter", () => {
  test.each([
    ["", "alpha", "evt.alpha.kitchen.ui.notify.v1", true],
    // A copy is left out only where its own subnet is followed too.
    ["", "beta", "evt.alpha.kitchen.ui.notify.v1", false],
    ["", "beta", "evt.gamma.kitchen.ui.notify.v1", true],
    ["at=beta&at=alpha", "beta", "evt.alpha.kitchen.ui.notify.v1", true],
    ["pattern=ui.notify@2", "alpha", "evt.alpha.kitchen.ui.notify.v1", false],
    ["pattern=ui.notify@2&pattern=ui.", "alpha", "evt.alpha.kitchen.ui.notify.v1", true],
    ["origin=alpha", "alpha", "evt.alpha.kitchen.ui.notify.v1", true],
    ["origin=alpha/desk", "alpha", "evt.alpha.kitchen.ui.notify.v1", false],
    // Bytes that are no event are told to readers of everything.
    ["", "alpha", "", true],
    ["pattern=ui.", "alpha", "", false],
  ])("%j at %s takes %s: %s", (query, at, subject, takes) => {
    expect(takesSubject(query, at, subject)).toBe(takes);
  });

  test("reads events only where a filter needs it", () => {
    expect([filter("pattern=ui.&origin=alpha").readsEvents, filter("text=a").readsEvents]).toEqual([
      false,
      true,
    ]);
  });

  test("searches what is shown, not what was stored", () => {
    const envelope = envelopeOf({ data: { name: "[pii]" } as never, tenant: "acme", correlation_id: "c7" });
    const shown = { envelope, lowerText: JSON.stringify(envelope).toLowerCase() };
    const takes = (query: string): boolean => filter(query).takesEvent(shown);
    expect(["text=%5BPII", "tenant=acme&correlation=c7", "field=data.name=[pii]"].map(takes)).toEqual([
      true,
      true,
      true,
    ]);
    expect(["text=canary", "tenant=acme&correlation=c8", "field=data.name=canary"].map(takes)).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe("hasValue()", () => {
  const envelope = envelopeOf({ data: { a: [1, { b: true }], s: "x=y", n: null } as never });
  test.each([
    ["data.a.0", "1", true],
    ["data.a.1.b", "true", true],
    ["data.s", "x=y", true],
    ["data.n", "null", true],
    ["data.a", '[1,{"b":true}]', true],
    ["data.a.length", "2", true],
    ["data.none", "undefined", false],
    ["__proto__.x", "1", false],
    ["constructor", "x", false],
  ])("%s is %s: %s", (path, value, has) => {
    expect(hasValue(envelope, { path: path.split("."), value })).toBe(has);
  });
});
