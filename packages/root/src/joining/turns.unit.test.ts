import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

/** How many of so many requests may wait. */
function entered(turns: Turns, asker: string, count: number, nowMs = 1e6): number {
  return Array.from({ length: count }, () => turns.enter(asker, nowMs)).filter(Boolean).length;
}

test("an asker with many requests at once leaves room for others, up to a limit for all", () => {
  const turns = new Turns();
  expect(entered(turns, "aaaaaaaa", 100)).toBe(4);
  expect(entered(turns, "bbbbbbbb", 2)).toBe(2);
  for (const asker of ["c", "d", "e", "f"]) entered(turns, asker, 100);
  expect(entered(turns, "g", 1)).toBe(0);
  turns.leave("aaaaaaaa");
  expect(entered(turns, "g", 2)).toBe(1);
});

test("an asker without end is answered a number of times in a while, then again", () => {
  const turns = new Turns();
  const answered = (nowMs: number): number => {
    let count = 0;
    for (; count < 1000 && turns.enter("aaaaaaaa", nowMs); count++) turns.leave("aaaaaaaa");
    return count;
  };
  expect(answered(1e6)).toBe(50);
  expect(answered(1e6 + 9999)).toBe(0);
  expect(entered(turns, "bbbbbbbb", 1, 1e6 + 9999)).toBe(1);
  expect(answered(1e6 + 10_000)).toBe(50);
});
