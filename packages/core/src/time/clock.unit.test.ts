import { afterEach, expect, test, vi } from "vitest";
import { REAL_CLOCK } from "./clock.ts";

afterEach(() => vi.useRealTimers());

test("REAL_CLOCK.at() notices within half a minute that the clock was set forward, and waits when it was set back", () => {
  vi.useFakeTimers({ now: 1_000_000 });
  const calls: number[] = [];
  const cancel = REAL_CLOCK.at(1_000_000 + 3_600_000, () => calls.push(Date.now()));
  vi.setSystemTime(1_000_000 + 3_600_000);
  vi.advanceTimersByTime(30_000);
  expect(calls).toHaveLength(1);
  REAL_CLOCK.at(Date.now() + 1000, () => calls.push(Date.now()));
  vi.setSystemTime(1_000_000);
  vi.advanceTimersByTime(60_000);
  expect(calls).toHaveLength(1);
  cancel();
});
