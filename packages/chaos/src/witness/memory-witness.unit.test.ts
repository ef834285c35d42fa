import { describe, expect, test } from "vitest";
import { isFlat, memoryUseOf } from "./memory-witness.ts";

describe("memoryUseOf()", () => {
  test("compares the first third with the last, whatever single samples say", () => {
    expect(memoryUseOf([500, 10, 500, 700, 700, 700, 520, 520, 900])).toEqual({
      first_mb: 500,
      last_mb: 520,
    });
  });
  test("says nothing of less than three samples", () => expect(memoryUseOf([1, 2])).toBeNull());
});

describe("isFlat()", () => {
  test.each([
    [500, 680, true],
    [500, 700, false],
  ])("from %i to %i MB: %s", (first_mb, last_mb, flat) => {
    expect(isFlat({ first_mb, last_mb })).toBe(flat);
  });
});
