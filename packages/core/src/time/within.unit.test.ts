import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { within } from "./within.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("within()", () => {
  test("resolves and rejects as the promise does, and leaves no timer", async () => {
    expect(await within(Promise.resolve("a"), 1000)).toBe("a");
    await expect(within(Promise.reject(new Error("b")), 1000)).rejects.toThrow("b");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("resolves with nothing when the time is over, whatever becomes of the promise later", async () => {
    const slow = within(new Promise((_, reject) => setTimeout(() => reject(new Error("late")), 2000)), 1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await slow).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
