import { describe, expect, test } from "vitest";
import { isSightOf, newcomerFilters, planNewcomers, subnetsOf } from "./newcomers.ts";

const BEFORE = ["evt.alpha.*.ui.*.>", "evt.beta.*.ui.*.>"];
const WANTED = ["evt.alpha.*.nlp.*.>", "evt.alpha.*.ui.*.>", "evt.gamma.*.ui.*.>"];

test("a newcomer is a subnet without any filter before, and no widened rule", () => {
  expect(newcomerFilters(BEFORE, WANTED)).toEqual(["evt.gamma.*.ui.*.>"]);
  expect(newcomerFilters(BEFORE, BEFORE)).toEqual([]);
});

test("the sight of newcomers is no sight of one more", () => {
  const sight = { cut: 40, subnets: subnetsOf(["evt.gamma.*.ui.*.>"]) };
  expect(isSightOf(sight, ["evt.gamma.*.ui.*.>", "evt.gamma.*.nlp.*.>"])).toBe(true);
  expect(isSightOf(sight, ["evt.gamma.*.ui.*.>", "evt.delta.*.ui.*.>"])).toBe(false);
});

describe("a subnet that changed its tenant", () => {
  const behind = { filters: BEFORE, floor: 10, waiting: 5 };

  test("is held back while the region has not taken what waits, since its own old events wait among it", () => {
    const filters = ["evt.alpha.*.nlp.*.>", "evt.alpha.*.ui.*.>"];
    expect(planNewcomers(behind, WANTED, { cut: 40 }, 20)).toEqual({ kind: "hold back", filters });
  });

  test("enters behind its old events when the region has taken everything", () => {
    const plan = { kind: "begin after", seq: 40 };
    expect(planNewcomers({ ...behind, waiting: 0 }, WANTED, { cut: 40 }, 20)).toEqual(plan);
  });

  test("enters where a busy region is, once that is past its old events", () => {
    const plan = { kind: "begin after", seq: 41 };
    expect(planNewcomers({ ...behind, floor: 41 }, WANTED, { cut: 40 }, 43)).toEqual(plan);
    expect(planNewcomers({ ...behind, floor: 41 }, WANTED, { cut: 50 }, 43)).toMatchObject({
      kind: "hold back",
    });
  });

  test("enters at once when it has no event", () => {
    expect(planNewcomers(behind, WANTED, { cut: 40 }, undefined)).toEqual({ kind: "as wanted" });
  });

  test("loses no event that came after the change, and the region none that waits", () => {
    expect(planNewcomers(behind, WANTED, { cut: 40 }, 41)).toEqual({ kind: "begin after", seq: 10 });
  });

  test("enters at once, without its old events, where no other subnet is left: what waited is nobody's now", () => {
    const plan = { kind: "begin after", seq: 40 };
    expect(planNewcomers(behind, ["evt.gamma.*.ui.*.>"], { cut: 40 }, 20)).toEqual(plan);
  });
});
