import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nearEvent, nearPattern } from "../../../../test/kit/arbitraries.ts";
import { parseEventPattern, patternMatches } from "../language/event-pattern.ts";
import { DEFAULT_DENY, deniedError, Policy, type PolicyQuestion, type PolicyRule } from "./policy.ts";

const KITCHEN = { verb: "publish", subnet: "alpha", node: "kitchen" } as const;

type Holder = Omit<PolicyQuestion, "from">;

function rulesFor(question: Holder, ...patterns: readonly string[]): PolicyRule[] {
  return patterns.map((text, i) => ({
    ...question,
    effect: "allow",
    id: `rule-${i}`,
    pattern: parseEventPattern(text),
  }));
}

describe("Policy.decide()", () => {
  test("denies what no rule allows, and tells who asked for what and may do what", () => {
    const policy = new Policy(rulesFor(KITCHEN, "nlp.", "scenario.run@1"));
    expect(policy.decide(KITCHEN, "ui.notify", 2)).toEqual({
      allowed: false,
      rule: DEFAULT_DENY,
      reason:
        "alpha/kitchen may not publish ui.notify@2: no rule allows it (alpha/kitchen may publish nlp. scenario.run@1)",
    });
  });

  test("denies everything without rules", () => {
    const decision = new Policy([]).decide({ verb: "export", subnet: "alpha" }, "ui.notify", 1);
    expect(decision).toMatchObject({ allowed: false, reason: expect.stringContaining("may export nothing") });
  });

  test("names the first rule that matches", () => {
    const policy = new Policy(rulesFor(KITCHEN, "ui.notify@2", "ui.", "*"));
    expect(policy.decide(KITCHEN, "ui.notify", 2)).toEqual({ allowed: true, rule: "rule-0" });
    expect(policy.decide(KITCHEN, "ui.notify", 1)).toEqual({ allowed: true, rule: "rule-1" });
    expect(policy.decide(KITCHEN, "nlp.x", 1)).toEqual({ allowed: true, rule: "rule-2" });
  });

  test("keeps verbs, subnets and nodes apart", () => {
    const policy = new Policy(rulesFor(KITCHEN, "*"));
    const others: PolicyQuestion[] = [
      { ...KITCHEN, verb: "subscribe" },
      { ...KITCHEN, verb: "export" },
      { ...KITCHEN, subnet: "beta" },
      { ...KITCHEN, node: "desk" },
      { verb: "publish", subnet: "alpha" },
    ];
    for (const other of others) expect(policy.decide(other, "ui.notify", 1).allowed).toBe(false);
  });

  test("answers a question the same at every repetition, as the rules say", () => {
    const ruleSet = fc.array(nearPattern, { maxLength: 5 });
    fc.assert(
      fc.property(ruleSet, fc.array(nearEvent, { minLength: 1, maxLength: 20 }), (texts, events) => {
        const policy = new Policy(rulesFor(KITCHEN, ...texts));
        for (const { name, version } of [...events, ...events]) {
          const first = texts.findIndex((text) => patternMatches(parseEventPattern(text), name, version));
          expect(policy.decide(KITCHEN, name, version).rule).toBe(first < 0 ? DEFAULT_DENY : `rule-${first}`);
        }
      }),
    );
  });

  test("looks at the rules once for an event, however often it is asked", () => {
    let looks = 0;
    const pattern = parseEventPattern("ui.");
    const counted = {
      ...pattern,
      get kind(): typeof pattern.kind {
        looks++;
        return pattern.kind;
      },
    };
    const policy = new Policy([{ ...KITCHEN, effect: "allow", id: "counted", pattern: counted }]);
    policy.decide(KITCHEN, "ui.notify", 1);
    const once = looks;
    for (let i = 0; i < 100; i++) policy.decide(KITCHEN, "ui.notify", 1);
    expect([once > 0, looks]).toEqual([true, once]);
  });

  test("keeps deciding rightly after 25,000 distinct events", () => {
    const policy = new Policy(rulesFor(KITCHEN, "ui.", "nlp.x7@1"));
    const wrong: string[] = [];
    for (let i = 0; i < 25_000; i++) {
      if (policy.decide(KITCHEN, `nlp.x${i}`, 1).allowed !== (i === 7)) wrong.push(`nlp.x${i}`);
      if (!policy.decide(KITCHEN, `ui.x${i}`, 1).allowed) wrong.push(`ui.x${i}`);
    }
    expect(policy.decide(KITCHEN, "nlp.x7", 1).allowed).toBe(true);
    expect(wrong).toEqual([]);
  });

  test("tells a refusal in few words, however many rules there are", () => {
    const policy = new Policy(rulesFor(KITCHEN, ...Array.from({ length: 10_000 }, (_, i) => `ns${i}.`)));
    const decision = policy.decide(KITCHEN, "ui.notify", 1);
    expect(decision.allowed ? "" : decision.reason.length).toBeLessThan(1000);
  });
});

describe("Policy.decidePattern()", () => {
  test("allows no pattern of which one event would be denied", () => {
    fc.assert(
      fc.property(
        fc.array(nearPattern, { maxLength: 5 }),
        nearPattern.map(parseEventPattern),
        nearEvent,
        (texts, asked, { name, version }) => {
          const policy = new Policy(rulesFor(KITCHEN, ...texts));
          if (!policy.decidePattern(KITCHEN, asked).allowed || !patternMatches(asked, name, version)) return;
          expect(policy.decide(KITCHEN, name, version).allowed).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("denies a pattern that reaches beyond its rule, and names it", () => {
    const policy = new Policy(rulesFor(KITCHEN, "ui.notify@1"));
    expect(policy.decidePattern(KITCHEN, parseEventPattern("ui."))).toMatchObject({
      allowed: false,
      rule: DEFAULT_DENY,
      reason: expect.stringContaining("may not publish ui.:"),
    });
  });

  test("names the first rule that covers", () => {
    const policy = new Policy(rulesFor(KITCHEN, "ui.notify@1", "ui."));
    expect(policy.decidePattern(KITCHEN, parseEventPattern("ui.notify"))).toEqual({
      allowed: true,
      rule: "rule-1",
    });
  });
});

describe("Policy.patternsFor()", () => {
  test("lists a holder's patterns in the order of its rules", () => {
    const policy = new Policy([
      ...rulesFor(KITCHEN, "ui.", "*"),
      ...rulesFor({ ...KITCHEN, node: "x" }, "nlp."),
    ]);
    expect(policy.patternsFor(KITCHEN).map(({ text }) => text)).toEqual(["ui.", "*"]);
  });
});

describe("deniedError()", () => {
  test("is denied and names the rule", () => {
    const decision = new Policy([]).decide(KITCHEN, "ui.notify", 1);
    if (decision.allowed) throw new Error("was allowed");
    const error = deniedError(decision);
    expect(error).toMatchObject({ code: "denied", rule: DEFAULT_DENY });
    expect(error.message).toMatch(/may not publish ui\.notify@1.*; rule default-deny$/);
  });
});
