import { describe, expect, test } from "vitest";
import { atRate, inWindow } from "./pace.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("inWindow()", () => {
  test("does each once, never more at a time than the window", async () => {
    let [open, most] = [0, 0];
    const done: number[] = [];
    await inWindow(20, 3, async (index) => {
      most = Math.max(most, ++open);
      await turn();
      open--;
      done.push(index);
    });
    expect(done).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect([most, open]).toEqual([3, 0]);
  });

  test("rejects with the first failure and begins no more", async () => {
    let begun = 0;
    const failing = inWindow(100, 2, async (index) => {
      begun++;
      await turn();
      if (index === 3) throw new Error("no. 3");
    });
    await expect(failing).rejects.toThrow("no. 3");
    expect(begun).toBeLessThan(10);
  });
});

describe("atRate()", () => {
  test("begins as many a second as asked, however long each takes", async () => {
    const startMs = performance.now();
    const done: number[] = [];
    await atRate(50, 1000, async (index) => {
      await turn();
      done.push(index);
    });
    expect(done).toHaveLength(50);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(49);
  });

  test("rejects with a failure", async () => {
    await expect(atRate(3, 1000, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  });
});
