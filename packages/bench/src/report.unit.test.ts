import { describe, expect, test } from "vitest";
import { type Round, rowsOf, tableOf } from "./report.ts";

const about = { scenario: "S2", title: "t", conditions: "c" } as const;
const round = (contender: Round["contender"], value: number): Round => ({
  ...about,
  contender,
  measured: [{ metric: "handled", unit: "events/s", value }],
});

describe("rowsOf()", () => {
  test("gathers the rounds of each contender, and compares medians with the bare client's", () => {
    const rounds = [
      round("adaos", 10),
      round("raw", 40),
      round("adaos", 30),
      round("raw", 60),
      round("adaos", 20),
    ];
    expect(rowsOf(rounds)).toEqual([
      {
        ...about,
        contender: "adaos",
        metric: "handled",
        unit: "events/s",
        rounds: 3,
        median: 20,
        min: 10,
        max: 30,
        ratioToRaw: 0.4,
      },
      expect.objectContaining({ contender: "raw", rounds: 2, median: 50, min: 40, max: 60 }),
    ]);
    expect(rowsOf(rounds)[1]).not.toHaveProperty("ratioToRaw");
  });

  test("compares with nothing where the bare client did not run", () => {
    expect(rowsOf([round("adaos", 10)])[0]).not.toHaveProperty("ratioToRaw");
  });
});

describe("tableOf()", () => {
  test("has a line a row, beneath its head", () => {
    const lines = tableOf(rowsOf([round("adaos", 1234.5), round("raw", 2)]));
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^S2 +handled +adaos +1235 +1235 to 1235 +events\/s +617\.25 of raw +c$/);
  });
});
