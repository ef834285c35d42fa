import type { ListedScenario } from "@adaos/operations";
import { describe, expect, test } from "vitest";
import { problemsOf, type ScenariosHere, scenarioRows } from "./scenario-rows.ts";
import { newestRows } from "./skills.ts";

const line = (level: string, message: string): string =>
  JSON.stringify({ ts: "2026-01-05T07:00:00.000Z", level, from: "skill", message });

describe("newestRows()", () => {
  test("has the newest lines of a level and above, the newest last, and those that were cut", () => {
    const lines = [line("error", "old"), line("info", "a"), line("warn", "b"), '{"ts":', line("error", "c")];
    const shown = newestRows(lines, 3, "warn");
    expect(shown).toMatchObject({
      lines: [{ message: "b" }, { cut: '{"ts":' }, { message: "c" }],
      is_cut: true,
    });
    expect(newestRows(lines, 10, "debug")).toMatchObject({ lines: { length: 5 }, is_cut: false });
    expect(newestRows([], 10, "debug")).toEqual({ lines: [], is_cut: false });
  });

  test("is no larger than one answer may be", () => {
    const long = Array.from({ length: 100 }, () => line("info", "x".repeat(8000)));
    const { lines, is_cut } = newestRows(long, 500, "debug");
    expect(lines.length).toBeLessThan(40);
    expect(is_cut).toBe(true);
  });
});

describe("scenarioRows()", () => {
  const listed = (scenario: string, state: ListedScenario["state"] = "active"): ListedScenario => ({
    scenario,
    state,
    active: 0,
    waiting: 0,
    asked: 0,
    hash: "x",
  });
  const here: ScenariosHere = {
    files: new Map([
      ["alpha/kitchen/fresh", { mode: "single", shadow: false }],
      ["alpha/kitchen/broken", { mode: "queued", shadow: true }],
    ]),
    nodes: [
      {
        node: "alpha/kitchen",
        scenarios: [
          { name: "good", hash: "x", active: 0, waiting: 0, isPaused: false, trouble: "ui.notify@1: denied" },
        ],
        broken: [
          { scenario: "broken", errors: ["scenario.yaml:3:14 no event"] },
          { scenario: "unreadable", errors: ["scenario.yaml:1:1 not a map"] },
        ],
        problems: ["there is no folder"],
      },
      { node: "alpha/desk", scenarios: [], broken: [], problems: [], away: "is not running" },
    ],
  };

  test("has what hubs know, files that have never run, and those that are broken", () => {
    const rows = scenarioRows([listed("alpha/kitchen/good"), listed("alpha/kitchen/broken", "paused")], here);
    expect(rows).toMatchObject([
      { scenario: "alpha/kitchen/broken", state: "broken", is_paused: true, file: { mode: "queued" } },
      { scenario: "alpha/kitchen/fresh", state: "not-run", is_paused: false },
      { scenario: "alpha/kitchen/good", state: "active", trouble: "ui.notify@1: denied" },
      { scenario: "alpha/kitchen/unreadable", state: "broken", errors: ["scenario.yaml:1:1 not a map"] },
    ]);
  });

  test("leaves to their members what is wrong beside scenarios", () => {
    expect(problemsOf(here)).toEqual([
      { member: "alpha/kitchen", problem: "there is no folder" },
      { member: "alpha/desk", problem: "its daemon is not running" },
    ]);
  });
});
