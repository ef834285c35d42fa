import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { delay } from "./delay.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Whether a promise has resolved so far. */
function watch(promise: Promise<void>): { over: boolean } {
  const seen = { over: false };
  void promise.then(() => {
    seen.over = true;
  });
  return seen;
}

describe("delay()", () => {
  test("resolves when the time is over, and listens to its signal no longer", async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, "removeEventListener");
    const seen = watch(delay(100, signal));
    await vi.advanceTimersByTimeAsync(99);
    expect(seen.over).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect([seen.over, removed.mock.calls.length]).toEqual([true, 1]);
  });

  test("resolves at once when its signal aborts, before or meanwhile, and leaves no timer", async () => {
    const controller = new AbortController();
    const meanwhile = watch(delay(100, controller.signal));
    await vi.advanceTimersByTimeAsync(50);
    controller.abort();
    const before = watch(delay(100, controller.signal));
    await vi.advanceTimersByTimeAsync(0);
    expect([meanwhile.over, before.over, vi.getTimerCount()]).toEqual([true, true, 0]);
  });
});
