import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecentMap } from "./recent-map.ts";

describe("RecentMap", () => {
  test("holds the newest entries, and not many more", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(50)), (least, keys) => {
        const map = new RecentMap<number, number>(least);
        for (const [i, key] of keys.entries()) map.set(key, i);
        const newestFirst = [...new Set(keys.toReversed())];
        for (const key of newestFirst.slice(0, least)) expect(map.get(key)).toBe(keys.lastIndexOf(key));
        const held = newestFirst.filter((key) => map.get(key) !== undefined);
        expect(held.length).toBeLessThanOrEqual(2 * least);
      }),
    );
  });

  test("forgets what is deleted, however old", () => {
    const map = new RecentMap<string, number>(1);
    map.set("a", 1);
    map.set("b", 2);
    map.delete("a");
    map.delete("b");
    expect([map.get("a"), map.get("b")]).toEqual([undefined, undefined]);
  });
});
