import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { PullLoop } from "./pull-loop.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("PullLoop", () => {
  test("tells that the consumer is gone when a server with a new store answers again and again", async () => {
    const connection = new ConnectionStandIn();
    let missing = 0;
    const loop = new PullLoop(connection, {
      stream: "EVENTS_alpha",
      consumer: "kitchen_d",
      apiPrefix: "$JS.API",
      expiresMs: 10_000,
      requests: 1,
      log: new RecordingLog(),
      nextSize: () => ({ batch: 500 }),
      onMessage: () => undefined,
      onMissing: () => {
        missing++;
      },
    });
    connection.server = {
      onMessage: ({ reply = "" }) => connection.status(reply, 503, "No Responders"),
      onRequest: () => ({ error: { code: 404, description: "consumer not found" } }),
    };
    loop.fill();
    await vi.advanceTimersByTimeAsync(6000);
    loop.end();
    // It is never silent, so silence alone would show nothing.
    expect(missing).toBeGreaterThan(0);
    expect(missing).toBeLessThanOrEqual(3);
  });
});
