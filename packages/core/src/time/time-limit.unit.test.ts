import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MeshError } from "../language/errors.ts";
import { type TimedRun, TimeLimit } from "./time-limit.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = (): Promise<never> => new Promise(() => undefined);

/** How a promise has ended so far. */
function watch(promise: unknown): { outcome: unknown } {
  const seen: { outcome: unknown } = { outcome: "pending" };
  Promise.resolve(promise).then(
    (value) => {
      seen.outcome = value;
    },
    (error: unknown) => {
      seen.outcome = error instanceof MeshError ? error.code : error;
    },
  );
  return seen;
}

describe("TimeLimit.run()", () => {
  test("returns and throws at once what ends at once, without a timer", () => {
    const limit = new TimeLimit("it", 100);
    expect(limit.run(() => 7)).toBe(7);
    expect(() =>
      limit.run(() => {
        throw new Error("broken");
      }),
    ).toThrow("broken");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends each run when its own time is up, to the millisecond, with one timer for all", async () => {
    const limit = new TimeLimit("it", 100);
    const first = watch(limit.run(never));
    await vi.advanceTimersByTimeAsync(40);
    const second = watch(limit.run(never));
    const third = watch(limit.run(() => Promise.resolve("done")));
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(59);
    expect([first.outcome, second.outcome, third.outcome]).toEqual(["pending", "pending", "done"]);
    await vi.advanceTimersByTimeAsync(1);
    expect([first.outcome, second.outcome]).toEqual(["timeout", "pending"]);
    await vi.advanceTimersByTimeAsync(40);
    expect(second.outcome).toBe("timeout");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("leaves no timer behind when the last one ends", async () => {
    const limit = new TimeLimit("it", 100);
    const rejected = watch(limit.run(() => Promise.reject("broken")));
    const fulfilled = watch(limit.run(() => Promise.resolve(1)));
    await vi.advanceTimersByTimeAsync(0);
    expect([rejected.outcome, fulfilled.outcome, vi.getTimerCount()]).toEqual(["broken", 1, 0]);
  });

  test.each([
    ["asked for before", true],
    ["asked for only then", false],
  ])("aborts the signal when the time is up, %s", async (_, early) => {
    const limit = new TimeLimit("it", 100);
    let run: TimedRun | undefined;
    watch(
      limit.run((own) => {
        run = own;
        if (early) expect(own.signal.aborted).toBe(false);
        return never();
      }),
    );
    await vi.advanceTimersByTimeAsync(100);
    expect(run?.signal.aborted).toBe(true);
    expect(run?.signal.reason).toMatchObject({ code: "timeout", message: "it ran longer than 100 ms" });
  });

  test("ends with the reason of an outer signal, and listens to it no longer than needed", async () => {
    const limit = new TimeLimit("it", 100);
    const outer = new AbortController();
    const removed = vi.spyOn(outer.signal, "removeEventListener");
    let run: TimedRun | undefined;
    const done = watch(limit.run(() => Promise.resolve(1), outer.signal));
    const cut = watch(
      limit.run((own) => {
        run = own;
        return never();
      }, outer.signal),
    );
    await vi.advanceTimersByTimeAsync(0);
    outer.abort("enough");
    await vi.advanceTimersByTimeAsync(0);
    expect([done.outcome, cut.outcome, run?.signal.reason]).toEqual([1, "enough", "enough"]);
    expect(removed).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("takes note of a rejection that comes after the end", async () => {
    const limit = new TimeLimit("it", 100);
    let reject: (reason: unknown) => void = () => undefined;
    const late = watch(
      limit.run(
        () =>
          new Promise((_, no) => {
            reject = no;
          }),
      ),
    );
    await vi.advanceTimersByTimeAsync(100);
    reject(new Error("late"));
    await vi.advanceTimersByTimeAsync(0);
    expect(late.outcome).toBe("timeout");
  });
});
