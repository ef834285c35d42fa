import { Empty, type Msg, headers as newHeaders } from "nats";
import { describe, expect, test } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import type { OpenServer } from "../hubs.ts";
import { gapBetween, StreamReader } from "./stream-reader.ts";

describe("StreamReader", () => {
  test("leaves out nothing that is stored while it looks for a time", async () => {
    let lastSeq = 7;
    const connection = new ConnectionStandIn();
    const request = async (): Promise<Msg> => {
      // No message is as late as that; the next one is stored before the answer is there.
      lastSeq++;
      return { headers: newHeaders(404, "Message Not Found"), data: Empty } as unknown as Msg;
    };
    Object.assign(connection.nc, { request });
    const info = async () => ({ state: { first_seq: 1, last_seq: lastSeq } });
    const server = { of: "alpha", connection, jsm: { streams: { info } } } as unknown as OpenServer;
    expect(await new StreamReader(server).find({ kind: "time", ms: 0 }, "evt.>")).toBe(8);
  });
});

describe("gapBetween()", () => {
  test("finds nothing missing within the stream, and right behind its end", () => {
    for (const next of [5, 7, 10, 11]) expect(gapBetween(next, { firstSeq: 5, lastSeq: 10 })).toBeUndefined();
    expect(gapBetween(1, { firstSeq: 0, lastSeq: 0 })).toBeUndefined();
    // A purged stream begins behind its end.
    expect(gapBetween(11, { firstSeq: 11, lastSeq: 10 })).toBeUndefined();
  });

  test("goes on with the first that is stored, where those before it are gone", () => {
    expect(gapBetween(3, { firstSeq: 8, lastSeq: 10 })).toEqual({
      gap: { fromSeq: 3, toSeq: 7, isAnew: false },
      nextSeq: 8,
    });
  });

  test("begins anew in a stream that was made anew, or has lost its end", () => {
    expect(gapBetween(900, { firstSeq: 1, lastSeq: 4 })).toEqual({
      gap: { fromSeq: 5, toSeq: 899, isAnew: true },
      nextSeq: 1,
    });
    expect(gapBetween(900, { firstSeq: 0, lastSeq: 0 })?.nextSeq).toBe(1);
  });
});
