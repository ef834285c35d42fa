import { describe, expect, test } from "vitest";
import { type Listen, refusalOf } from "./guard.ts";

const LOOPBACK: Listen = {
  host: "127.0.0.1",
  port: 7480,
  isTls: false,
  origins: ["http://panel.example:8080"],
};
const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };

const statusOf = (method: string, headers: Record<string, string>, listen = LOOPBACK): number | undefined =>
  refusalOf(method, headers, listen)?.status;

describe("refusalOf()", () => {
  test.each(["127.0.0.1:7480", "localhost:7480", "[::1]:7480", "panel.example:8080"])(
    "lets the host %s pass",
    (host) => {
      expect(statusOf("GET", { host })).toBeUndefined();
    },
  );

  test.each([
    "evil.example:7480",
    "127.0.0.1:7481",
    "127.0.0.1.evil.example:7480",
    "",
    "localhost:7480@evil",
    "panel.example",
  ])("refuses the host %j", (host) => {
    expect(statusOf("GET", { host })).toBe(421);
  });

  test.each([
    ["http://127.0.0.1:7480", undefined],
    ["http://panel.example:8080", undefined],
    ["https://127.0.0.1:7480", 403],
    ["http://127.0.0.1", 403],
    ["http://localhost:7480", 403],
    ["null", 403],
    ["", 403],
    ["http://127.0.0.1:7480.evil.example", 403],
  ])("answers %j for origin %j", (origin, status) => {
    expect(statusOf("GET", { host: "127.0.0.1:7480", origin })).toBe(status);
  });

  test("takes a change as JSON alone, and from no other site", () => {
    const host = "127.0.0.1:7480";
    expect(statusOf("POST", { host, ...JSON_TYPE })).toBeUndefined();
    expect(statusOf("POST", { host })).toBe(415);
    expect(statusOf("POST", { host, "content-type": "application/jsonp" })).toBe(415);
    expect(statusOf("POST", { host, "content-type": "application/x-www-form-urlencoded" })).toBe(415);
    expect(statusOf("POST", { host, ...JSON_TYPE, "sec-fetch-site": "same-site" })).toBe(403);
    expect(statusOf("DELETE", { host, ...JSON_TYPE, "sec-fetch-site": "cross-site" })).toBe(403);
    expect(statusOf("DELETE", { host, ...JSON_TYPE, "sec-fetch-site": "same-origin" })).toBeUndefined();
  });
});
