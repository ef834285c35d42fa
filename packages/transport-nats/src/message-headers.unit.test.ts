import { headers as newHeaders } from "nats";
import { describe, expect, test } from "vitest";
import { msgOf } from "../../../test/kit/connection-stand-in.ts";
import { headersOfMsg } from "./message-headers.ts";

function travelling(entries: Readonly<Record<string, string>>): Record<string, string> {
  const headers = newHeaders();
  for (const [key, value] of Object.entries(entries)) headers.set(key, value);
  return headersOfMsg(msgOf({ subject: "evt.x", text: "", headers }));
}

describe("headersOfMsg()", () => {
  test("passes the trace on and nothing else that a stranger may have set", () => {
    const trace = { traceparent: "00-1-2-01", tracestate: "a=b", baggage: "c=d" };
    const others = {
      "Nats-Msg-Id": "x",
      "Nats-Rollup": "all",
      "Nats-Stream-Source": "S",
      authorization: "y",
    };
    expect(travelling({ ...trace, ...others })).toEqual(trace);
  });

  test("finds nothing in a message without headers", () => {
    expect(headersOfMsg(msgOf({ subject: "evt.x", text: "" }))).toEqual({});
  });

  test("drops a value that is too long or no printable ASCII", () => {
    expect(travelling({ traceparent: "x".repeat(8193), tracestate: "\u00e9" })).toEqual({});
    expect(travelling({ traceparent: "x".repeat(8192) })).toHaveProperty("traceparent");
  });
});
