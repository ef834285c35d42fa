import { describe, expect, test } from "vitest";
import { Tally } from "./tally.ts";
import { formatText, WARM_UP } from "./text.ts";

const text = (index: number, sentMs = 0): string => formatText({ index, sentMs }, 40);

describe("Tally", () => {
  test("is complete when every text has come, in whatever order", () => {
    const tally = new Tally(3);
    for (const index of [2, 0]) tally.take(text(index), 10);
    expect([tally.isComplete, tally.handled]).toEqual([false, 2]);
    tally.take(text(1), 20);
    expect([tally.isComplete, tally.firstMs, tally.lastMs]).toEqual([true, 10, 20]);
  });

  test("counts a text that comes again as repeated, not as another", () => {
    const tally = new Tally(2);
    for (const index of [0, 0, 0]) tally.take(text(index), 1);
    expect([tally.isComplete, tally.handled, tally.repeated]).toEqual([false, 1, 2]);
    expect(tally.latenciesMs).toHaveLength(1);
  });

  test("tells how late each was", () => {
    const tally = new Tally(1);
    tally.take(text(0, 100.25), 103.75);
    expect(tally.latenciesMs).toEqual([3.5]);
  });

  test("leaves warm-up texts out of everything else", () => {
    const tally = new Tally(1);
    tally.take(text(WARM_UP), 5);
    expect([tally.warmedUp, tally.handled, tally.firstMs, tally.latenciesMs]).toEqual([1, 0, Number.NaN, []]);
  });

  test.each([text(1), text(-2), "hello"])("refuses what was never sent: %s", (foreign) => {
    expect(() => new Tally(1).take(foreign, 0)).toThrow();
  });
});
