import type { StoredMessage } from "@adaos/transport-nats";
import { Empty, type Msg, type NatsConnection, headers as newHeaders } from "nats";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import type { OpenServer } from "../hubs.ts";
import { followStream } from "./follow-stream.ts";
import type { FollowFrom } from "./stream-reader.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stream that holds numbers, as a reader of pages sees it. */
class StreamOfNumbers {
  firstSeq = 1;
  lastSeq = 0;
  /** It answers no question. */
  isSilent = false;
  /** Questions for pages. */
  pages = 0;
  readonly connection = new ConnectionStandIn();

  get server(): OpenServer {
    const { connection } = this;
    const nc: Partial<NatsConnection> = {
      requestMany: async (_subject, payload) => this.#page(new TextDecoder().decode(payload as Uint8Array)),
    };
    Object.assign(connection.nc, nc);
    const info = async () => {
      if (this.isSilent) throw new Error("timeout");
      return { state: { first_seq: this.firstSeq, last_seq: this.lastSeq } };
    };
    return { of: "alpha", connection, jsm: { streams: { info } } } as unknown as OpenServer;
  }

  async *#page(query: string): AsyncGenerator<Msg> {
    this.pages++;
    if (this.isSilent) return;
    const { seq, batch } = JSON.parse(query) as { readonly seq: number; readonly batch: number };
    const from = Math.max(seq, this.firstSeq);
    const to = Math.min(this.lastSeq, from + batch - 1);
    if (to < from) return void (yield status(404));
    for (let at = from; at <= to; at++) yield stored(at);
    const end = status(204);
    end.headers?.set("Nats-Num-Pending", String(this.lastSeq - to));
    yield end;
  }
}

function status(code: number): Msg {
  return { headers: newHeaders(code, "end"), data: Empty } as unknown as Msg;
}

function stored(seq: number): Msg {
  const headers = newHeaders();
  headers.set("Nats-Sequence", String(seq));
  headers.set("Nats-Subject", "evt.alpha.kitchen.ui.notify.v1");
  headers.set("Nats-Time-Stamp", "2026-01-05T09:30:00Z");
  return { headers, data: Empty } as unknown as Msg;
}

interface Followed {
  readonly seen: (number | string)[];
  readonly ended: AbortController;
  readonly over: Promise<void>;
}

function follow(stream: StreamOfNumbers, from: FollowFrom): Followed {
  const seen: (number | string)[] = [];
  const ended = new AbortController();
  const reports = {
    onMessages: (messages: readonly StoredMessage[]) => void seen.push(...messages.map(({ seq }) => seq)),
    onGap: () => void seen.push("gap"),
    onAway: () => void seen.push("away"),
    onBack: () => void seen.push("back"),
  };
  const over = followStream(stream.server, { filter: "evt.>", from }, reports, ended.signal);
  return { seen, ended, over };
}

describe("followStream()", () => {
  test("gives what is stored from now on, in order, and asks ten times a second at most", async () => {
    const stream = new StreamOfNumbers();
    stream.lastSeq = 7;
    const { seen, ended, over } = follow(stream, { kind: "now" });
    await vi.advanceTimersByTimeAsync(1000);
    expect([seen, stream.pages <= 11]).toEqual([[], true]);
    stream.lastSeq = 1200;
    await vi.advanceTimersByTimeAsync(200);
    expect(seen).toEqual(Array.from({ length: 1193 }, (_, i) => 8 + i));
    ended.abort();
    await over;
  });

  test("tells once that a server is away, once that it is back, and goes on where it was", async () => {
    const stream = new StreamOfNumbers();
    stream.lastSeq = 2;
    const { seen, ended, over } = follow(stream, { kind: "after", seq: 0 });
    await vi.advanceTimersByTimeAsync(200);
    stream.isSilent = true;
    await vi.advanceTimersByTimeAsync(3000);
    stream.connection.disconnect();
    stream.lastSeq = 4;
    await vi.advanceTimersByTimeAsync(3000);
    stream.isSilent = false;
    stream.connection.reconnect();
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen).toEqual([1, 2, "away", "back", 3, 4]);
    ended.abort();
    await over;
    expect(stream.connection.open).toEqual({ listeners: 0, subscriptions: 0 });
  });

  test("tells what is gone, and begins anew in a stream that counts anew", async () => {
    const stream = new StreamOfNumbers();
    [stream.firstSeq, stream.lastSeq] = [5, 6];
    const { seen, ended, over } = follow(stream, { kind: "after", seq: 1 });
    await vi.advanceTimersByTimeAsync(200);
    stream.connection.disconnect();
    [stream.firstSeq, stream.lastSeq] = [1, 2];
    stream.connection.reconnect();
    await vi.advanceTimersByTimeAsync(6000);
    expect(seen).toEqual(["gap", 5, 6, "away", "back", "gap", 1, 2]);
    ended.abort();
    await over;
  });

  test("ends at once, also while a server does not answer", async () => {
    const stream = new StreamOfNumbers();
    const server = stream.server;
    Object.assign(server.connection.nc, { requestMany: () => new Promise(() => undefined) });
    const ended = new AbortController();
    const silent = (): void => undefined;
    const over = followStream(
      server,
      { filter: "evt.>", from: { kind: "after", seq: 0 } },
      { onMessages: silent, onAway: silent, onBack: silent },
      ended.signal,
    );
    await vi.advanceTimersByTimeAsync(100);
    ended.abort();
    await over;
  });
});
