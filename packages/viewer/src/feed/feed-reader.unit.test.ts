import { encodeEnvelope } from "@adaos/core";
import { EventMask } from "@adaos/operations";
import type { StoredMessage } from "@adaos/transport-nats";
import { describe, expect, test } from "vitest";
import { envelopeOf } from "../../../../test/kit/stand-ins.ts";
import type { FeedMessage } from "../api/feed.ts";
import type { FeedChannel } from "./channel.ts";
import { parseFeedQuery } from "./feed-query.ts";
import { FeedReader } from "./feed-reader.ts";
import { SeenMessage } from "./seen-message.ts";

class ChannelStandIn implements FeedChannel {
  waitingBytes = 0;
  readonly sent: FeedMessage[] = [];
  ended: readonly [number, string] | undefined;
  send(json: string): void {
    this.sent.push(JSON.parse(json) as FeedMessage);
  }
  ping(): void {}
  end(code: number, reason: string): void {
    this.ended = [code, reason];
  }
}

/** Counts how often an event was decoded: masks are asked then. */
let decoded = 0;
const mask = new EventMask({
  mask: (_name, _version, data) => {
    decoded++;
    return data;
  },
});
const seen = { mask, of: (at: string, message: StoredMessage) => new SeenMessage(at, message, mask) };
const stored = (seq: number, body: Uint8Array = encodeEnvelope(envelopeOf())): StoredMessage => ({
  ...{ seq, body, headers: {}, subject: "evt.alpha.kitchen.ui.notify.v1", storedAt: "2026-01-05T09:30:00Z" },
});

function reader(query: string): { readonly reader: FeedReader; readonly channel: ChannelStandIn } {
  const channel = new ChannelStandIn();
  const parsed = parseFeedQuery(new URLSearchParams(query), ["alpha", "beta"], undefined);
  return { reader: new FeedReader(parsed, channel, seen), channel };
}
const many = (count: number): StoredMessage[] => Array.from({ length: count }, (_, i) => stored(i + 1));

describe("FeedReader", () => {
  test("sends each message once, with the place behind it", () => {
    const { reader: one, channel } = reader("");
    one.onMessages("alpha", many(3), 4);
    one.onMessages("alpha", many(4), 5);
    expect(channel.sent.map((message) => "id" in message && message.id)).toEqual([
      "alpha:1",
      "alpha:2",
      "alpha:3",
      "alpha:4",
    ]);
  });

  test("decodes nothing that it does not send", () => {
    decoded = 0;
    const { reader: one, channel } = reader("rate=10");
    one.onMessages("alpha", many(500), 501);
    expect([channel.sent.length, decoded]).toEqual([10, 10]);
    one.look(performance.now() + 1000);
    expect(channel.sent.at(-1)).toMatchObject({ type: "sampled", matched: 500, sent: 10 });
    one.beat();
    expect(channel.sent.at(-1)).toMatchObject({ type: "beat", id: "alpha:500" });
  });

  test("tells bytes that are no event, and goes on", () => {
    const { reader: one, channel } = reader("");
    one.onMessages("alpha", [stored(1, Buffer.from("{")), stored(2)], 3);
    expect(channel.sent.map(({ type }) => type)).toEqual(["malformed", "event"]);
  });

  test("leaves events out while a reader is slow, and disconnects one that stays so", () => {
    const { reader: one, channel } = reader("rate=1000");
    channel.waitingBytes = 2 ** 20 + 1;
    const nowMs = performance.now();
    one.onMessages("alpha", many(100), 101);
    expect(channel.sent).toEqual([]);
    one.look(nowMs + 9000);
    expect(channel.ended).toBeUndefined();
    channel.waitingBytes = 0;
    one.look(nowMs + 9500);
    expect(channel.sent).toMatchObject([{ type: "sampled", matched: 100, sent: 0 }]);
    channel.waitingBytes = 2 ** 20 + 1;
    one.look(nowMs + 10_000);
    one.look(nowMs + 20_001);
    expect(channel.ended).toEqual([4408, "the reader took nothing for 10 s"]);
  });

  test("begins anew where the stream counts anew", () => {
    const { reader: one, channel } = reader("");
    one.onMessages("alpha", [stored(900)], 901);
    one.onGap("alpha", { fromSeq: 3, toSeq: 900, isAnew: true });
    one.onMessages("alpha", [stored(1)], 2);
    expect(channel.sent.map(({ type }) => type)).toEqual(["event", "gap", "event"]);
  });
});
