import { describe, expect, test } from "vitest";
import { inProcessSpan, linkSpan, publishSpan, type SpanSubject } from "./tracing.ts";

// No SDK is set up in this file: what a program sees that traces nothing.

const ABOUT: SpanSubject = {
  eventName: "ui.notify",
  subject: "evt.alpha.kitchen.ui.notify.v1",
  eventId: "EVT-20250923-162000-0123456789ab",
  correlationId: "c-1",
  bodyBytes: 7,
};
const TRACED = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };

describe("publishSpan(), without an SDK", () => {
  test("adds no headers and ends quietly", () => {
    const span = publishSpan(ABOUT);
    expect(span.headers).toEqual({});
    span.end(new Error("x"));
  });

  test("adds none inside a handler of a traced event either", async () => {
    const headers = await inProcessSpan(ABOUT, "d", TRACED, async () => publishSpan(ABOUT).headers);
    expect(headers).toEqual({});
  });
});

describe("linkSpan(), without an SDK", () => {
  test.each(["up", "down"] as const)("passes the trace of others on untouched, %s", (direction) => {
    expect(linkSpan(ABOUT, direction, "alpha", TRACED).headers).toEqual(TRACED);
  });
});

describe("inProcessSpan(), without an SDK", () => {
  test("gives what the handler gives", async () => {
    expect(await inProcessSpan(ABOUT, "d", {}, async () => 7)).toBe(7);
  });

  test("throws on what the handler throws, the very same", async () => {
    const thrown = { odd: true };
    await expect(inProcessSpan(ABOUT, "d", {}, () => Promise.reject(thrown))).rejects.toBe(thrown);
    await expect(
      inProcessSpan(ABOUT, "d", {}, () => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
  });
});
