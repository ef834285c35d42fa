import { describe, expect, test } from "vitest";
import { parseFeedQuery } from "./feed-query.ts";

const parse = (query: string, known = ["root", "alpha", "beta"], lastId?: string) =>
  parseFeedQuery(new URLSearchParams(query), known, lastId);

describe("parseFeedQuery()", () => {
  test("follows every subnet, and the root where it is alone", () => {
    expect(parse("")).toMatchObject({
      places: ["alpha", "beta"],
      leavesOutCopies: true,
      eventsPerSecond: 200,
    });
    expect(parse("", ["root"]).places).toEqual(["root"]);
    expect(parse("at=root&at=beta&at=root")).toMatchObject({
      places: ["root", "beta"],
      leavesOutCopies: false,
    });
  });

  test("takes the place that a browser remembers before the one of its address", () => {
    expect(parse("after=alpha:1", undefined, "alpha:7").after?.get("alpha")).toEqual({
      kind: "after",
      seq: 7,
    });
  });

  test("keeps a rate within its limit", () => {
    expect(parse("rate=5000").eventsPerSecond).toBe(1000);
  });

  test.each([
    ["at=gamma", "no stream of"],
    ["pattern=ui.>", "event pattern"],
    ["origin=a/b/c", "origin is"],
    ["origin=A", "origin is"],
    ["field==x", "field is like"],
    ["field=data", "field is like"],
    ["since=soon", "since is like"],
    ["rate=0", "rate is"],
    ["rate=1e9", "rate is"],
    ["tenant=a&tenant=b", "tenant is given once"],
    [`text=${"x".repeat(257)}`, "text has at most"],
    [`field=${"x".repeat(257)}=1`, "field is like"],
    [
      new URLSearchParams(
        Array.from({ length: 33 }, (_, i) => ["pattern", `a.b${i}`] as [string, string]),
      ).toString(),
      "at most 32 patterns",
    ],
    [
      new URLSearchParams(Array.from({ length: 9 }, () => ["field", "a=b"] as [string, string])).toString(),
      "at most 8 fields",
    ],
    ["filter=x", "no filter"],
  ])("refuses %s", (query, why) => {
    expect(() => parse(query)).toThrow(why);
  });
});
