import { MeshError } from "@adaos/core";
import type { Part } from "@adaos/daemon";
import type { Connection } from "@adaos/transport-nats";
import { NatsError } from "nats";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Duty } from "./duty.ts";
import type { Follower } from "./follower.ts";

const ignore = (): void => undefined;
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The stream of the lease, with one message: it is replaced only by who knows its place. */
class LeaseStream {
  seq = 0;
  body = "{}";

  connection(): Connection {
    const publish = async (
      _: string,
      body: string,
      { expect: { lastSubjectSequence: last } }: { expect: { lastSubjectSequence: number } },
    ) => {
      if (last !== this.seq) throw apiError(10_071);
      this.body = body;
      return { seq: ++this.seq };
    };
    const getMessage = async () => {
      if (this.seq === 0) throw apiError(10_037);
      return { seq: this.seq, json: () => JSON.parse(this.body) as unknown };
    };
    const nc = {
      jetstream: () => ({ publish }),
      jetstreamManager: async () => ({ streams: { getMessage } }),
      isClosed: () => false,
    };
    // The lease uses nothing else of a connection.
    return { nc } as unknown as Connection;
  }
}

function apiError(err_code: number): NatsError {
  const error = new NatsError("refused", "404");
  error.api_error = { code: 404, err_code, description: "refused" };
  return error;
}

const FOLLOWER = { start: () => undefined, stop: async () => undefined } as unknown as Follower;

function dutyOf(node: string, stream: LeaseStream, start: () => Promise<void>) {
  const part: Part = { name: "part", start, stop: async () => undefined, health: () => ({ ready: true }) };
  return new Duty({
    subnet: "alpha",
    node,
    servers: 3,
    connection: stream.connection(),
    log: SILENT,
    open: async () => ({ parts: [part], close: async () => undefined }),
    follower: FOLLOWER,
  });
}

test("a daemon whose services do not start for 45 s hands the subnet to another, and not earlier", async () => {
  const stream = new LeaseStream();
  const broken = dutyOf("hub", stream, () =>
    Promise.reject(new MeshError("unavailable", "the disk is full")),
  );
  const sound = dutyOf("hub-2", stream, () => Promise.resolve());
  await broken.start();
  await vi.advanceTimersByTimeAsync(8000);
  await sound.start();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(broken.health()).toMatchObject({ ready: false, reason: "the disk is full" });
  expect(sound.health()).toMatchObject({ ready: true, note: "stands by for hub" });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(sound.health()).toMatchObject({ ready: true, note: "serves the subnet" });
  expect(broken.health()).toMatchObject({ ready: true, note: "stands by for hub-2" });
  await Promise.all([vi.advanceTimersByTimeAsync(5000), broken.stop(), sound.stop()]);
});

test("a daemon whose services start in time keeps the subnet", async () => {
  const stream = new LeaseStream();
  let left = 10;
  const slow = dutyOf("hub", stream, async () => {
    if (left-- > 0) throw new MeshError("unavailable", "the server is slow");
  });
  const other = dutyOf("hub-2", stream, () => Promise.resolve());
  await slow.start();
  await vi.advanceTimersByTimeAsync(8000);
  await other.start();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(slow.health()).toMatchObject({ note: "serves the subnet" });
  expect(other.health()).toMatchObject({ note: "stands by for hub" });
  await Promise.all([vi.advanceTimersByTimeAsync(5000), slow.stop(), other.stop()]);
});
