import { describe, expect, test } from "vitest";
import { Batcher } from "./batcher.ts";

describe("Batcher.add()", () => {
  test("stores what came in one turn together, in batches of the limit", async () => {
    const stored: (readonly number[])[] = [];
    const batcher = new Batcher<number>(async (batch) => stored.push(batch), 2);
    await Promise.all([1, 2, 3].map((item) => batcher.add(item)));
    await batcher.add(4);
    expect(stored).toEqual([[1, 2], [3], [4]]);
  });

  test("rejects for those whose batch was refused, and goes on", async () => {
    const batcher = new Batcher<number>(async ([first]) => {
      if (first === 1) throw new Error("refused");
    });
    await expect(batcher.add(1)).rejects.toThrow("refused");
    await expect(batcher.add(2)).resolves.toBeDefined();
  });
});
