import { describe, expect, test } from "vitest";
import { travellingHeaders } from "./travelling-headers.ts";

describe("travellingHeaders()", () => {
  test("passes the trace on, and nothing that a server would act on", () => {
    const headers: Record<string, string> = {
      traceparent: "00-1-2-01",
      tracestate: "a\r\nNats-Rollup: all",
      "Nats-Msg-Id": "x",
      "x: y\r\nNats-Rollup": "all",
    };
    expect(travellingHeaders((name) => headers[name])).toEqual({ traceparent: "00-1-2-01" });
  });
});
