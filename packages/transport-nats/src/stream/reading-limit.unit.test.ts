import { describe, expect, test } from "vitest";
import { ReadingLimit } from "./reading-limit.ts";

describe("ReadingLimit", () => {
  test("ends with its messages or its time, and tells so only when more was wanted", () => {
    const few = new ReadingLimit(2, 60_000);
    expect(few.admits()).toBe(true);
    few.take(2);
    expect(few.isReached).toBe(false);
    expect(few.admits()).toBe(false);
    expect(few.isReached).toBe(true);
    expect(new ReadingLimit(2, 0).admits()).toBe(false);
  });

  test("holds for all that a task calls, later too, and for no other task", async () => {
    expect(ReadingLimit.current).toBeUndefined();
    const [outer, inner] = [new ReadingLimit(1, 60_000), new ReadingLimit(1, 60_000)];
    await outer.run(async () => {
      await Promise.resolve();
      expect(ReadingLimit.current).toBe(outer);
      expect(inner.run(() => ReadingLimit.current)).toBe(inner);
      expect(ReadingLimit.current).toBe(outer);
    });
    expect(ReadingLimit.current).toBeUndefined();
  });
});
