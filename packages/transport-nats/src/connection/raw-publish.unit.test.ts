import { describe, expect, test } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import { encodePublishes, publishAll } from "./raw-publish.ts";

const body = new TextEncoder().encode("b\u00f6dy");
const one = { subject: "evt.a.b", reply: "_INBOX.1", headers: "NATS/1.0\r\nNats-Msg-Id: x\r\n", body };

describe("encodePublishes()", () => {
  test("writes the protocol's lines, sizes in bytes, one after the other", () => {
    const { reply: _, ...silent } = one;
    const text = encodePublishes([one, silent]).toString("utf8");
    const head = "NATS/1.0\r\nNats-Msg-Id: x\r\n\r\nb\u00f6dy\r\n";
    expect(text).toBe(`HPUB evt.a.b _INBOX.1 28 33\r\n${head}HPUB evt.a.b 28 33\r\n${head}`);
  });
});

describe("publishAll()", () => {
  test("sends the same by the client's own publish, where it is no client that it knows", () => {
    const connection = new ConnectionStandIn();
    publishAll(connection.nc, [one]);
    expect(connection.sent).toEqual([
      {
        subject: "evt.a.b",
        reply: "_INBOX.1",
        text: "b\u00f6dy",
        headers: { "Nats-Msg-Id": "x" },
        bytes: 33,
      },
    ]);
  });
});
