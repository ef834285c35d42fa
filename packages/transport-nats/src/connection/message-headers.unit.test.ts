import { TRAVELLING_HEADERS } from "@adaos/core/wire";
import { type Msg, headers as newHeaders } from "nats";
import { MsgImpl } from "nats/lib/nats-base-client/msg.js";
import { describe, expect, test } from "vitest";
import { msgOf } from "../../../../test/kit/connection-stand-in.ts";
import { mendClient } from "./client-mends.ts";
import { headersOfMsg, idOfMsg, serverHeader } from "./message-headers.ts";

function travelling(entries: Readonly<Record<string, string>>): Record<string, string> {
  const headers = newHeaders();
  for (const [key, value] of Object.entries(entries)) headers.set(key, value);
  return headersOfMsg(msgOf({ subject: "evt.x", text: "", headers }));
}

/** A message as the client receives it, with these headers. */
function received(head: string, body = "body"): Msg {
  const data = new TextEncoder().encode(head + body);
  const hdr = head === "" ? -1 : new TextEncoder().encode(head).length;
  const info = { subject: new Uint8Array(), sid: 1, hdr, size: data.length };
  return new MsgImpl(info, data, { publish: () => undefined }) as Msg;
}

const OTHERS = "NATS/1.0\r\nNats-Msg-Id: EVT-1\r\nNats-Batch-Id: x\r\n";

describe("idOfMsg()", () => {
  test.each([
    ["among others", received(`${OTHERS}\r\n`), "EVT-1"],
    ["last", received("NATS/1.0\r\na: b\r\nNats-Msg-Id: EVT-2\r\n\r\n"), "EVT-2"],
    ["not there", received("NATS/1.0\r\na: b\r\n\r\n"), ""],
    ["in the body only", received("NATS/1.0\r\na: b\r\n\r\n", "\r\nNats-Msg-Id: x\r\n"), ""],
    ["without headers", received("", "\r\nNats-Msg-Id: x\r\n"), ""],
  ])("%s", (_, msg, id) => {
    expect(idOfMsg(msg)).toBe(id);
  });
});

describe("serverHeader()", () => {
  test.each([
    ["alone", "NATS/1.0\r\nNats-Pin-Id: true\r\n\r\n"],
    ["behind one that was stored", "NATS/1.0\r\nNats-Pin-Id: false\r\na: b\r\nNats-Pin-Id: true\r\n\r\n"],
    [
      "behind a line that was stored without an end",
      "NATS/1.0\r\nNats-Pin-Id: false\r\na: bNats-Pin-Id: true\r\n\r\n",
    ],
    ["behind lines that cannot be read", "NATS/1.0\r\nNats-Pin-Id: a\nb\r\n: \r\nNats-Pin-Id: true\r\n\r\n"],
  ])("is what the server has written: %s", (_, head) => {
    expect(serverHeader(received(head, "Nats-Pin-Id: false\r\n"), "Nats-Pin-Id")).toBe("true");
  });

  test("is nothing where there is none", () => {
    expect(serverHeader(received("NATS/1.0\r\na: b\r\n\r\n", "Nats-Pin-Id: x\r\n"), "Nats-Pin-Id")).toBe("");
    expect(serverHeader(received(""), "Nats-Pin-Id")).toBe("");
  });
});

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

  test("finds them in a message as the client receives it, and nothing in one that has others only", () => {
    expect(headersOfMsg(received(`${OTHERS}traceparent: 00-1-2-01\r\n\r\n`))).toEqual({
      traceparent: "00-1-2-01",
    });
    expect(headersOfMsg(received(`${OTHERS}\r\n`))).toEqual({});
  });

  test.each(TRAVELLING_HEADERS)("finds %s standing alone", (key) => {
    expect(headersOfMsg(received(`${OTHERS}${key}: x\r\n\r\n`))).toEqual({ [key]: "x" });
  });

  test.each(["bad key: x", "\u00e9: x", "\0: x", "a: b\nc: d", "a: b\rc", ":", " ", "\ud83d\ude00"])(
    "finds them beside the line %j, which the client cannot read",
    (line) => {
      mendClient();
      expect(headersOfMsg(received(`NATS/1.0\r\n${line}\r\ntraceparent: 00-1-2-01\r\n\r\n`))).toEqual({
        traceparent: "00-1-2-01",
      });
    },
  );

  test("finds nothing in a message without headers", () => {
    expect(headersOfMsg(msgOf({ subject: "evt.x", text: "" }))).toEqual({});
  });

  test("drops a value that is too long or no printable ASCII", () => {
    expect(travelling({ traceparent: "x".repeat(8193), tracestate: "\u00e9" })).toEqual({});
    expect(travelling({ traceparent: "x".repeat(8192) })).toHaveProperty("traceparent");
  });
});
