import { describe, expect, test } from "vitest";
import type { MapNode, MapServer } from "../../../api/mesh.ts";
import {
  agoText,
  fitted,
  linkSentence,
  nodeSentence,
  rateText,
  serversText,
  servingHub,
  waitText,
} from "./figures.ts";

describe("rateText()", () => {
  test.each([
    [undefined, "–"],
    [0, "0"],
    [0.02, "<0.1"],
    [3.24, "3.2"],
    [48.4, "48"],
    [1520, "1.5k"],
    [15_200, "15k"],
  ])("writes %s as %s", (rate, text) => expect(rateText(rate)).toBe(text));
});

describe("waitText()", () => {
  test("is short", () => expect([0, 12, 4200].map(waitText)).toEqual(["", "+12", "+4k"]));
});

describe("agoText()", () => {
  test("names the largest unit", () => {
    const now = Date.parse("2026-11-30T13:00:00Z");
    const ago = (seconds: number): string => agoText(new Date(now - seconds * 1000).toISOString(), now);
    expect([ago(-5), ago(4), ago(720), ago(10_800), ago(432_000)]).toEqual([
      "0 s",
      "4 s",
      "12 min",
      "3 h",
      "5 d",
    ]);
    expect(agoText("soon", now)).toBe("?");
  });
});

describe("fitted()", () => {
  test("cuts a long name, and never all of it", () => {
    expect(fitted("kitchen", 100)).toBe("kitchen");
    expect(fitted("kitchen-of-the-house", 72)).toBe("kitchen…");
    expect(fitted("kitchen", 1)).toBe("k…");
  });
});

describe("nodeSentence() and linkSentence()", () => {
  test("say what is not as it should be, and why", () => {
    expect(
      nodeSentence({ id: "alpha/hub", role: "hub", state: "ready", note: "x", published: 0, handled: 2 }),
    ).toBe("alpha/hub, ready, 0 published and 2.0 handled per second");
    expect(
      nodeSentence({
        id: "alpha/a",
        role: "member",
        state: "unready",
        note: "is not running",
        lag: 4,
        outbox: 2,
      }),
    ).toBe("alpha/a, not ready, 4 waiting, 2 in the outbox: is not running");
    const link = {
      subnet: "alpha",
      direction: "up",
      state: "down",
      note: "source: away",
      refused: 3,
      refusals: 1,
      carriers: [],
    } as const;
    expect(linkSentence(link)).toBe("link up alpha, down, 1.0 refused per second: source: away");
  });
});

describe("serversText()", () => {
  const server = (name: string, ready = true): MapServer => ({ name, of: "alpha", ready, note: "" });
  test.each([
    [[], "elsewhere"],
    [[server("nats-alpha")], "nats-alpha"],
    [[server("nats-alpha", false)], "nats-alpha is down"],
    [[server("a"), server("b"), server("c")], "3 servers"],
    [[server("a"), server("b", false), server("c")], "b is down"],
    [[server("a", false), server("b", false), server("c")], "2 of 3 servers are down"],
  ])("tells %j as %s", (servers, text) => expect(serversText(servers)).toBe(text));
});

describe("servingHub()", () => {
  const hub = (id: string, more: Partial<MapNode> = {}): MapNode => ({
    id,
    role: "hub",
    state: "ready",
    note: "",
    ...more,
  });
  const [first, second] = [hub("alpha/hub", { standsBy: true }), hub("alpha/hub-2", { standsBy: false })];
  test.each([
    ["the only one", [hub("beta/hub"), hub("alpha/hub")], "alpha/hub"],
    ["the one that serves", [first, second], "alpha/hub-2"],
    ["the one that begins to serve", [first, { ...second, state: "unready" as const }], "alpha/hub-2"],
    ["the first where none serves", [first, { ...second, standsBy: true }], "alpha/hub"],
    ["none of another subnet", [hub("beta/hub")], undefined],
  ])("is %s", (_, nodes, id) => expect(servingHub(nodes, "alpha")?.id).toBe(id));
});
