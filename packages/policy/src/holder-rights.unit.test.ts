import { Policy, type PolicyRule, parseEventPattern } from "@adaos/core";
import { describe, expect, test } from "vitest";
import { holderRights } from "./holder-rights.ts";

const rule = (id: string, more: Partial<PolicyRule>, pattern = "ui."): PolicyRule => ({
  id,
  effect: "allow",
  verb: "publish",
  subnet: "alpha",
  pattern: parseEventPattern(pattern),
  ...more,
});
const RULES = [
  rule("quiet", { effect: "deny", node: "kitchen" }, "ui.alarm"),
  rule("alpha.kitchen.publish[0]", { node: "kitchen" }),
  rule("beta.import[0]", { verb: "import", subnet: "beta", from: ["alpha"] }),
];
const EVENTS = ["ui.notify", "ui.alarm", "nlp.intent"].map((name) => ({ name, version: 1 })) as never[];

describe("holderRights()", () => {
  test("lists the rules of each holder in order, and the events that pass", () => {
    const holders = new Map([
      ["alpha", ["kitchen"]],
      ["beta", []],
    ]);
    const rights = holderRights({ policy: new Policy(RULES), holders }, RULES, EVENTS);
    const of = (who: string, verb: string) => rights.find((one) => one.who === who && one.verb === verb);
    expect(of("alpha/kitchen", "publish")).toEqual({
      who: "alpha/kitchen",
      verb: "publish",
      rules: [
        { id: "quiet", effect: "deny", pattern: "ui.alarm" },
        { id: "alpha.kitchen.publish[0]", effect: "allow", pattern: "ui." },
      ],
      allowed: ["ui.notify@1"],
    });
    expect(of("alpha/kitchen", "subscribe")).toMatchObject({ rules: [], allowed: [] });
    expect(of("beta", "import")?.allowed).toEqual(["ui.notify@1", "ui.alarm@1"]);
    expect(rights).toHaveLength(6);
  });
});
