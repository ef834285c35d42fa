import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { every } from "./every.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("every()", () => {
  test("calls once an interval, whenever it began", () => {
    vi.advanceTimersByTime(70);
    let calls = 0;
    const stop = every(100, () => calls++);
    vi.advanceTimersByTime(1000);
    expect(calls).toBe(10);
    stop();
  });

  test("calls at the same moment what is due at one interval or at a multiple of it", () => {
    const atMs: number[] = [];
    const note = (): void => void atMs.push(performance.now());
    const stops = [7, 31, 64].map((sinceMs) => {
      vi.advanceTimersByTime(sinceMs);
      return every(sinceMs === 64 ? 500 : 100, note);
    });
    atMs.length = 0;
    vi.advanceTimersByTime(1000);
    expect(atMs.length).toBe(22);
    expect(new Set(atMs).size).toBe(10);
    for (const stop of stops) stop();
  });

  test("calls no more once it is stopped, also by the call itself", () => {
    let calls = 0;
    const stop = every(100, () => {
      calls++;
      stop();
    });
    vi.advanceTimersByTime(1000);
    expect(calls).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
