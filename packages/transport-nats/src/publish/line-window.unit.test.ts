import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineWindow } from "./line-window.ts";

interface Line {
  readonly bytesPerMs: number;
  readonly roundTripMs: number;
}

/**
 * Sends events over a line for a time, one write after the other; what was given up is still on the line, and what
 * comes next waits behind it. Returns the part of what the line carries that was acknowledged in the second half.
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
  test("uses four fifths of a line of 8 kB/s to 1 MB/s whose round trip is 5 to 200 ms", () => {
    fc.assert(
      fc.property(line(8, 1000, 200), fc.integer({ min: 300, max: 1500 }), (of, eventBytes) => {
        // A write holds no more than 500 events, which a fast line carries sooner than it answers.
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
