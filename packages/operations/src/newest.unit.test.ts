import { describe, expect, test } from "vitest";
import { Newest } from "./newest.ts";

function newestOf(limit: number, times: readonly string[]): Newest<string> {
  const newest = new Newest<string>(limit, (time) => time);
  for (const time of times) newest.add(time);
  return newest;
}

describe("Newest", () => {
  test("keeps the newest, newest last, whatever the order they come in", () => {
    const times = Array.from({ length: 100 }, (_, i) => String((i * 37) % 100).padStart(2, "0"));
    const newest = newestOf(3, times);
    expect(newest.items()).toEqual(["97", "98", "99"]);
    expect(newest.seen).toBe(100);
  });

  test("keeps all when there are few", () => {
    expect(newestOf(3, ["2", "1"]).items()).toEqual(["1", "2"]);
    expect(newestOf(1, []).items()).toEqual([]);
    expect(newestOf(1, ["2", "1"]).items()).toEqual(["2"]);
  });
});
