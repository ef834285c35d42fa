import { describe, expect, test } from "vitest";
import { linesOf, type Round, rowsOf, type Section } from "./report.ts";

const round = (contender: string, value: number): Round => ({
  durability: "synced",
  scenario: "S2a",
  contender,
  measured: [{ metric: "published", unit: "events/s", value }],
});

describe("rowsOf()", () => {
  test("gathers the rounds of each contender, and compares medians with the reference's and with ours", () => {
    const rounds = [
      round("adaos", 10),
      round("raw", 40),
      round("adaos", 30),
      round("raw", 60),
      round("adaos", 20),
    ];
    expect(rowsOf(rounds, "raw")).toEqual([
      {
        contender: "adaos",
        metric: "published",
        unit: "events/s",
        rounds: 3,
        median: 20,
        min: 10,
        max: 30,
        ratio: 0.4,
      },
      {
        contender: "raw",
        metric: "published",
        unit: "events/s",
        rounds: 2,
        median: 50,
        min: 40,
        max: 60,
        adaosRatio: 0.4,
      },
    ]);
  });

  test("compares with nothing where neither ran", () => {
    const [row] = rowsOf([round("other", 10)], "raw");
    expect(row).not.toHaveProperty("ratio");
    expect(row).not.toHaveProperty("adaosRatio");
  });

  test("puts contenders beneath each other, metric by metric", () => {
    const both = (contender: string): Round => ({
      ...round(contender, 1),
      measured: ["p50", "p99"].map((metric) => ({ metric, unit: "ms", value: 1 })),
    });
    const rows = rowsOf([both("adaos"), both("raw")], "raw");
    expect(rows.map(({ metric, contender }) => `${metric} ${contender}`)).toEqual([
      "p50 adaos",
      "p50 raw",
      "p99 adaos",
      "p99 raw",
    ]);
  });
});

describe("linesOf()", () => {
  test("has a heading, the conditions and a line a row, beneath its head", () => {
    const section: Section = {
      durability: "synced",
      scenario: "S2a",
      title: "title",
      conditions: "20 events",
      reference: "raw",
      rows: rowsOf([round("adaos", 1234.5), round("raw", 2), round("other", 4)], "raw"),
    };
    expect(linesOf(section)).toEqual([
      "S2a title (synced)",
      "  20 events",
      expect.stringMatching(/^ +contender +median +min to max +unit +\/ raw +adaos \/ it$/),
      expect.stringMatching(/^ {2}published +adaos +1235 +1235 to 1235 +events\/s +617\.25$/),
      expect.stringMatching(/^ {2}published +raw +2\.00 +2\.00 to 2\.00 +events\/s +617\.25$/),
      expect.stringMatching(/^ {2}published +other +4\.00 +4\.00 to 4\.00 +events\/s +2\.00 +308\.63$/),
      "",
    ]);
  });

  test("has no column that would say nothing new", () => {
    const rows = rowsOf([round("adaos", 1), round("raw", 2)], "raw");
    const section = {
      durability: "synced",
      scenario: "S",
      title: "t",
      conditions: "c",
      reference: "raw",
      rows,
    } as const;
    expect(linesOf(section)[2]).not.toContain("adaos / it");
  });
});
