import type { NatsConnection } from "nats";
import { Heartbeat } from "nats/lib/nats-base-client/heartbeats.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bearSilence, mendClient } from "./client-mends.ts";

beforeEach(() => {
  vi.useFakeTimers();
  mendClient();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A connection over which no ping is answered, as the heartbeat of the client library sees it. */
class Silent {
  inBytes = 0;
  disconnectedAtMs: number | undefined;
  readonly protocol = {
    flush: (): Promise<void> => new Promise(() => undefined),
    disconnect: (): void => {
      this.disconnectedAtMs ??= Math.round(performance.now() - this.#startMs);
    },
    dispatchStatus: (): void => undefined,
  };
  readonly #startMs = performance.now();

  constructor() {
    new Heartbeat(this.protocol, 5000, 2).start();
  }

  get nc(): NatsConnection {
    const { protocol } = this;
    return { protocol, stats: () => ({ inBytes: this.inBytes }) } as unknown as NatsConnection;
  }
}

describe("bearSilence()", () => {
  test("is not there: two pings without an answer end a connection after 15 s", async () => {
    const connection = new Silent();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connection.disconnectedAtMs).toBe(15_000);
  });

  test("keeps a connection for its time, and no longer", async () => {
    const connection = new Silent();
    bearSilence(connection.nc, 45_000);
    await vi.advanceTimersByTimeAsync(44_000);
    expect(connection.disconnectedAtMs).toBeUndefined();
    await vi.advanceTimersByTimeAsync(12_000);
    expect(connection.disconnectedAtMs).toBeGreaterThan(44_000);
  });

  test("is granted again only to a connection that has brought something", async () => {
    const [dead, slow] = [new Silent(), new Silent()];
    for (const { nc } of [dead, slow]) bearSilence(nc, 45_000);
    for (let i = 0; i < 8; i++) {
      await vi.advanceTimersByTimeAsync(10_000);
      slow.inBytes++;
      for (const { nc } of [dead, slow]) bearSilence(nc, 45_000);
    }
    expect(dead.disconnectedAtMs).toBeLessThan(60_000);
    expect(slow.disconnectedAtMs).toBeUndefined();
  });
});
