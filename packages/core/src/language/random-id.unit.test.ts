import { describe, expect, test } from "vitest";
import { randomHex, randomId } from "./random-id.ts";

describe("randomId()", () => {
  test("is 22 characters that any subject token takes", () => {
    for (let i = 0; i < 1000; i++) expect(randomId()).toMatch(/^[A-Za-z0-9]{22}$/);
  });

  test("gives 100,000 ids, none twice, and none near the one before", () => {
    const ids = Array.from({ length: 100_000 }, randomId);
    expect(new Set(ids).size).toBe(100_000);
    // Ids that count up from a random start have long beginnings in common.
    const heads = new Set(ids.map((id) => id.slice(0, 8)));
    expect(heads.size).toBeGreaterThan(99_900);
  });

  test("has each character equally often at each place", () => {
    const rounds = 20_000;
    const expected = (rounds * 22) / 62;
    const counts = new Map<string, number>();
    for (let i = 0; i < rounds; i++) {
      for (const character of randomId()) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    expect(counts.size).toBe(62);
    // Eight standard deviations.
    for (const count of counts.values()) {
      expect(Math.abs(count - expected)).toBeLessThan(8 * Math.sqrt(expected));
    }
  });
});

describe("randomHex()", () => {
  test("is as long as asked for, and another one each time", () => {
    const all = Array.from({ length: 10_000 }, () => randomHex(16));
    expect(all.every((hex) => /^[0-9a-f]{32}$/.test(hex))).toBe(true);
    expect(new Set(all).size).toBe(all.length);
  });
});
