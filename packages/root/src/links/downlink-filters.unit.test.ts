import { Policy, type PolicyRule, parseEventPattern } from "@adaos/core";
import { expect, test } from "vitest";
import { downlinkFilters, MAX_NAMED_ORIGINS } from "./downlink-filters.ts";

const allow = (verb: "import" | "export", subnet: string, pattern: string, from?: string[]): PolicyRule => ({
  id: `${subnet}.${verb}`,
  effect: "allow",
  verb,
  subnet,
  pattern: parseEventPattern(pattern),
  ...(from === undefined ? {} : { from }),
});
const namesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `s${i}`);

test("downlinkFilters() name each other subnet of a small mesh, and not the own one", () => {
  const policy = new Policy([allow("import", "s0", "ui."), allow("import", "s0", "ui.notify")]);
  expect(downlinkFilters(policy, namesOf(3), "s0")).toEqual(["evt.s1.*.ui.*.>", "evt.s2.*.ui.*.>"]);
  expect(downlinkFilters(policy, namesOf(3), "s1")).toEqual([]);
  expect(downlinkFilters(policy, ["s0"], "s0")).toEqual([]);
});

test("downlinkFilters() name nobody in a large mesh, where all origins have the same rules", () => {
  const policy = new Policy([allow("import", "s0", "ui."), allow("export", "s0", "nlp.")]);
  const [last, first] = [MAX_NAMED_ORIGINS + 1, MAX_NAMED_ORIGINS + 2].map((count) =>
    downlinkFilters(policy, namesOf(count), "s0"),
  );
  expect(last).toHaveLength(MAX_NAMED_ORIGINS + 1);
  expect(first).toEqual(["evt.*.*.ui.*.>", last?.at(-1)]);
  expect(last?.at(-1)).toMatch(/^rpy\.far\.s0\./);
});

test("downlinkFilters() always name the origins where rules differ by origin", () => {
  const policy = new Policy([allow("import", "s0", "ui.", ["s1", "s3"])]);
  expect(downlinkFilters(policy, namesOf(1000), "s0")).toEqual(["evt.s1.*.ui.*.>", "evt.s3.*.ui.*.>"]);
});

test("downlinkFilters() of 1,000 subnets are four times as many as those of 250", () => {
  const countOf = (count: number): number => {
    const names = namesOf(count);
    const policy = new Policy(
      names.flatMap((name) => [
        allow("import", name, "ui."),
        allow("import", name, "nlp."),
        allow("export", name, "ui."),
      ]),
    );
    return names.reduce((sum, name) => sum + downlinkFilters(policy, names, name).length, 0);
  };
  expect(countOf(1000)).toBe(4 * countOf(250));
});
