import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PeerClocks, parseClock } from "./peer-clocks.ts";

describe("parseClock()", () => {
  test("takes milliseconds since the epoch, and nothing else", () => {
    expect(parseClock("1767605400000")).toBe(1_767_605_400_000);
    for (const text of [undefined, "", "-1", "1e3", " 1", "1.5", "9".repeat(15), "9".repeat(400), "now"])
      expect(parseClock(text)).toBeUndefined();
  });
});

describe("PeerClocks", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("allows for the time that an answer took", () => {
    const off = (toldMs: number): number | undefined => {
      const clocks = new PeerClocks();
      clocks.noteAnswer("alpha", toldMs, 997_000);
      return clocks.off()["alpha"];
    };
    expect(off(996_500)).toBeUndefined();
    expect(off(1_000_900)).toBeUndefined();
    expect(off(990_000)).toBe(-7_000);
    expect(off(1_005_000)).toBe(5_000);
  });

  test("does not call a clock behind whose request has waited", () => {
    const clocks = new PeerClocks();
    clocks.noteRequest("kitchen", 992_000);
    clocks.noteRequest("desk", 1_002_000);
    clocks.noteRequest("lamp", 1_000_000 - 3_600_000);
    clocks.noteRequest("silent", undefined);
    expect(clocks.off()).toEqual({ desk: 2_000, lamp: -3_600_000 });
  });

  test("forgets what was told more than a minute ago, and what was set since", () => {
    const clocks = new PeerClocks();
    clocks.noteRequest("desk", 2_000_000);
    clocks.noteRequest("lamp", 2_000_000);
    clocks.noteRequest("lamp", 1_000_000);
    expect(clocks.off()).toEqual({ desk: 1_000_000, lamp: 1_000_000 });
    vi.advanceTimersByTime(16_000);
    clocks.noteRequest("lamp", 1_016_000);
    expect(clocks.off()).toEqual({ desk: 1_000_000 });
    vi.advanceTimersByTime(45_000);
    expect(clocks.off()).toEqual({});
  });
});
