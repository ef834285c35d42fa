import { describe, expect, test } from "vitest";
import type { SeenDenial } from "./facts.ts";
import { groupDenials } from "./group-denials.ts";

const denial = (since: string, more: Partial<SeenDenial> = {}): SeenDenial => ({
  hop: "publish",
  node: "beta/lamp",
  event: "nlp.intent.detected@1",
  rule: "default",
  reason: "no rule allows it",
  since,
  ...more,
});

describe("groupDenials()", () => {
  test("counts the same by the same rule, the newest first, at most so many", () => {
    const groups = groupDenials(
      [
        denial("2"),
        denial("9", { node: "beta/desk" }),
        denial("1", { eventId: "EVT-1", count: 4 }),
        denial("5", { eventId: "EVT-5" }),
      ],
      10,
    );
    expect(
      groups.map(({ node, count, first, last, eventId }) => [node, count, first, last, eventId]),
    ).toEqual([
      ["beta/desk", 1, "9", "9", undefined],
      ["beta/lamp", 6, "1", "5", "EVT-5"],
    ]);
    expect(groupDenials([denial("1"), denial("2", { rule: "night" })], 1)).toHaveLength(1);
  });
});
