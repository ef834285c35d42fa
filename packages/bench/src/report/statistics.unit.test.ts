import { describe, expect, test } from "vitest";
import { quantileOf, spreadOf } from "./statistics.ts";

describe("spreadOf()", () => {
  test.each([
    [[3], { median: 3, min: 3, max: 3 }],
    [[4, 1], { median: 2.5, min: 1, max: 4 }],
    [[9, 1, 5], { median: 5, min: 1, max: 9 }],
    [[4, 3, 2, 1], { median: 2.5, min: 1, max: 4 }],
  ])("of %j", (values, expected) => {
    expect(spreadOf(values)).toEqual(expected);
  });
});

describe("quantileOf()", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  test.each([
    [0, 1],
    [0.5, 50],
    [0.99, 99],
    [1, 100],
  ])("%d of 1 to 100", (q, expected) => {
    expect(quantileOf(values, q)).toBe(expected);
  });
});
