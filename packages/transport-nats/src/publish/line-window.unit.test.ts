import { MeshError, type PublishReceipt } from "@adaos/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import { StreamStandIn } from "../../../../test/kit/stream-stand-in.ts";
import { LineWindow } from "./line-window.ts";
import { StreamPublisher } from "./stream-publisher.ts";

interface Line {
  readonly bytesPerMs: number;
  readonly roundTripMs: number;
}

/**
 * Sends events over a line for a time, one write after the other. Writes that were given up are still on the line, and
 * the next ones wait behind them. Returns the part of the line's capacity that was acknowledged in the second half.
 */
function useOf({ bytesPerMs, roundTripMs }: Line, eventBytes: number, forMs: number): number {
  const window = new LineWindow();
  let [nowMs, freeMs, storedLate] = [0, 0, 0];
  while (nowMs < forMs) {
    const count = Math.min(500, window.fit(Array.from({ length: 500 }, () => eventBytes)));
    const bytes = count * eventBytes;
    freeMs = Math.max(freeMs, nowMs) + bytes / bytesPerMs;
    const tookMs = freeMs + roundTripMs - nowMs;
    const waitMs = window.waitMs(bytes);
    if (tookMs <= waitMs) {
      window.answered(bytes, tookMs);
      if (nowMs > forMs / 2) storedLate += bytes;
      nowMs += tookMs;
    } else {
      window.timedOut(bytes);
      nowMs += waitMs + 100;
    }
  }
  return storedLate / ((forMs / 2) * bytesPerMs);
}

const line = (least: number, most: number, roundTripMs: number): fc.Arbitrary<Line> =>
  fc.record({
    bytesPerMs: fc.integer({ min: least, max: most }),
    roundTripMs: fc.integer({ min: 1, max: roundTripMs }),
  });

describe("LineWindow", () => {
  test("uses four fifths of a line of 8 kB/s to 1 MB/s whose round trip is 5 to 500 ms", () => {
    fc.assert(
      fc.property(line(8, 1000, 500), fc.integer({ min: 300, max: 1500 }), (of, eventBytes) => {
        // A write holds no more than 500 events; a fast line carries these sooner than it answers.
        const most = (500 * eventBytes) / of.bytesPerMs;
        const possible = most / (most + of.roundTripMs);
        expect(useOf(of, eventBytes, 120_000)).toBeGreaterThan(0.8 * Math.min(1, possible / 0.85));
      }),
    );
  });

  test("moves something over every line of 8 kB/s and more, up to a round trip of 2 s", () => {
    fc.assert(
      fc.property(line(8, 10_000, 2000), fc.integer({ min: 300, max: 30_000 }), (of, eventBytes) => {
        expect(useOf(of, eventBytes, 120_000) * 60_000 * of.bytesPerMs).toBeGreaterThan(eventBytes);
      }),
      { numRuns: 50 },
    );
  });

  test.each([8, 30, 100])("has its answers within 2 s, also after hours, at %d kB/s", (bytesPerMs) => {
    const window = new LineWindow();
    const took = Array.from({ length: 2000 }, () => {
      const tookMs = 20 + window.bytes / bytesPerMs;
      window.answered(window.bytes, tookMs);
      return tookMs;
    });
    expect(Math.max(...took.slice(20))).toBeLessThan(2100);
    expect(Math.min(...took.slice(20))).toBeGreaterThan(500);
  });

  test("lets one event go, however large it is", () => {
    const window = new LineWindow();
    for (let i = 0; i < 30; i++) window.timedOut(1);
    expect(window.fit([300_000, 1])).toBe(1);
    expect(window.fit([])).toBe(0);
  });

  test("waits 2.5 s for a server that was quick, and never longer than 30 s", () => {
    const window = new LineWindow();
    window.answered(1000, 2);
    expect(window.waitMs(300_000)).toBe(2500);
    for (let i = 0; i < 30; i++) window.timedOut(1000);
    expect(window.waitMs(1000)).toBe(30_000);
  });
});

/** A publisher at the near end of a line, and a stream at the far end. */
class Scene {
  readonly connection = new ConnectionStandIn();
  readonly stream = new StreamStandIn(this.connection);
  readonly publisher = new StreamPublisher(this.connection);
  readonly outcomes = new Map<number, PublishReceipt | MeshError>();

  constructor(line: { readonly bytesPerMs: number; readonly wireMs: number }) {
    Object.assign(this.connection, line);
  }

  publish(n: number, bodyBytes: number): void {
    const body = new Uint8Array(bodyBytes);
    const message = { subject: "evt.alpha.kitchen.ui.notify.v1", id: String(n), headers: {}, body };
    const note = (outcome: PublishReceipt | MeshError): void => void this.outcomes.set(n, outcome);
    this.publisher.publish(message).then(note, note);
  }

  numbers(): number[] {
    return this.stream.stored.map(({ id }) => Number(id));
  }

  async wait(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }

  /**
   * Publishes for a minute as an outbox does, which follows the limit of one write. Returns the part of the line's
   * capacity that was stored in the second half.
   */
  async useOf(eventBytes: number): Promise<number> {
    const startMs = Date.now();
    let [next, storedBefore] = [0, 0];
    while (Date.now() - startMs < 60_000) {
      if (Date.now() - startMs < 30_000) storedBefore = this.stream.stored.length;
      const count = Math.max(1, Math.min(500, Math.floor(this.publisher.writeBytes / (eventBytes + 200))));
      let left = range(next, count);
      while (left.length > 0) {
        for (const n of left) this.publish(n, eventBytes);
        while (!left.every((n) => this.outcomes.has(n))) await this.wait(20);
        left = left.filter((n) => this.outcomes.get(n) instanceof MeshError);
        for (const n of left) this.outcomes.delete(n);
      }
      next += count;
    }
    expect(this.numbers()).toEqual(range(0, next));
    const [{ bytes } = { bytes: 0 }] = this.connection.sent;
    return ((next - storedBefore) * bytes) / (this.connection.bytesPerMs * 30_000);
  }
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

describe("StreamPublisher over a slow line", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([
    { bytesPerMs: 8, wireMs: 3, eventBytes: 500, atLeast: 0.8 },
    { bytesPerMs: 8, wireMs: 500, eventBytes: 500, atLeast: 0.8 },
    { bytesPerMs: 30, wireMs: 20, eventBytes: 800, atLeast: 0.8 },
    { bytesPerMs: 30, wireMs: 1000, eventBytes: 800, atLeast: 0.6 },
    { bytesPerMs: 200, wireMs: 100, eventBytes: 8000, atLeast: 0.8 },
  ])("stores all once, in order, and uses the line: $bytesPerMs B/ms, $wireMs ms each way", async (line) => {
    expect(await new Scene(line).useOf(line.eventBytes)).toBeGreaterThan(line.atLeast);
  });

  test("takes what is answered late for stored, and sends it no more", async () => {
    const scene = new Scene({ bytesPerMs: 8, wireMs: 1 });
    for (const n of range(0, 50)) scene.publish(n, 1000);
    await scene.wait(30_000);
    expect([...scene.outcomes.values()].filter((outcome) => outcome instanceof MeshError)).toEqual([]);
    expect(scene.numbers()).toEqual(range(0, 50));
    // Only the messages that were sent again before the first answer came.
    expect(scene.connection.sent.length).toBeLessThan(110);
  });
});
