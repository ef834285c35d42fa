import { describe, expect, test } from "vitest";
import { envelopeOf, messageOfEnvelope } from "../../../../test/kit/stand-ins.ts";
import type { PreparedEvent } from "../publish/publish.ts";
import { inProcessSpan, linkSpan, publishSpan } from "./tracing.ts";

// No SDK is set up in this file: what a program sees that traces nothing.

/** An event as it is about to be sent, or was received with these headers. */
function event(headers: Readonly<Record<string, string>> = {}): PreparedEvent {
  const envelope = envelopeOf();
  return { envelope, message: { ...messageOfEnvelope(envelope), headers } };
}
const TRACED = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };

describe("publishSpan(), without an SDK", () => {
  test("adds no headers and ends quietly", () => {
    const span = publishSpan(event());
    expect(span.headers).toEqual({});
    span.end(new Error("x"));
  });

  test("adds none inside a handler of a traced event either", async () => {
    const headers = await inProcessSpan(event(TRACED), "d", async () => publishSpan(event()).headers);
    expect(headers).toEqual({});
  });
});

describe("linkSpan(), without an SDK", () => {
  test.each(["up", "down"] as const)("passes the trace of others on untouched, %s", (direction) => {
    expect(linkSpan(event(TRACED), direction, "alpha").headers).toEqual(TRACED);
  });
});

describe("inProcessSpan(), without an SDK", () => {
  test("gives what the handler gives", async () => {
    expect(await inProcessSpan(event(), "d", async () => 7)).toBe(7);
  });

  test("throws on what the handler throws, the very same", async () => {
    const thrown = { odd: true };
    await expect(inProcessSpan(event(), "d", () => Promise.reject(thrown))).rejects.toBe(thrown);
    expect(() =>
      inProcessSpan(event(), "d", () => {
        throw thrown;
      }),
    ).toThrow(expect.objectContaining(thrown));
  });
});
