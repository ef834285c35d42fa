import { describe, expect, test } from "vitest";
import { inFlight } from "./in-flight.ts";

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("inFlight()", () => {
  test("starts all in order, never more at a time than allowed, and waits for the last", async () => {
    const started: number[] = [];
    let running = 0;
    let most = 0;
    await inFlight(numbers(50), { maxInFlight: 4 }, async (i) => {
      started.push(i);
      most = Math.max(most, ++running);
      await soon();
      running--;
    });
    expect(started).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect([most, running]).toEqual([4, 0]);
  });

  test("takes its time when it is told how fast it may be", async () => {
    const startedMs = performance.now();
    await inFlight(numbers(11), { maxInFlight: 256, perSecond: 100 }, () => Promise.resolve());
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(95);
  });

  test("waits for what has begun when the items cannot be read any further", async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1;
      throw new Error("gone");
    }
    let ended = false;
    const running = inFlight(broken(), { maxInFlight: 4 }, async () => {
      await soon();
      ended = true;
    });
    await expect(running).rejects.toThrow("gone");
    expect(ended).toBe(true);
  });
});
