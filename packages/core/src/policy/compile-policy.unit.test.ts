import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nearEvent, nearPattern } from "../../../../test/kit/arbitraries.ts";
import { filterMatches } from "../../../../test/kit/nats-wildcards.ts";
import type { DataClass } from "../language/data-class.ts";
import { parseEventPattern, patternMatches } from "../language/event-pattern.ts";
import { formatSubject, patternToFilter } from "../wire/subject.ts";
import { compilePolicy, type KnownEvent, rulesOf, TENANT_BOUNDARY } from "./compile-policy.ts";
import type { DeclaredRule, Member, Mesh, Subnet } from "./mesh.ts";
import {
  CLEARANCE,
  DEFAULT_DENY,
  Policy,
  type PolicyDecision,
  type PolicyQuestion,
  type PolicyVerb,
} from "./policy.ts";

type Patterns = readonly string[];

interface MemberLists {
  readonly roles?: readonly string[];
  readonly publish?: Patterns;
  readonly subscribe?: Patterns;
}

interface SubnetLists {
  readonly clearance?: readonly DataClass[];
  readonly tenant?: string;
  readonly export?: Patterns;
  readonly import?: Patterns;
  readonly members?: Readonly<Record<string, MemberLists>>;
}

const parsed = (texts: Patterns = []): ReturnType<typeof parseEventPattern>[] => texts.map(parseEventPattern);

function meshOf(subnets: Readonly<Record<string, SubnetLists>>, policy: readonly DeclaredRule[] = []): Mesh {
  const all = Object.entries(subnets).map(([name, lists]): [string, Subnet] => {
    const members = Object.entries(lists.members ?? {}).map(([node, of]): [string, Member] => [
      node,
      { name: node, roles: of.roles ?? [], publish: parsed(of.publish), subscribe: parsed(of.subscribe) },
    ]);
    const [exports, imports] = [parsed(lists.export), parsed(lists.import)];
    const { tenant = "default", clearance = [] } = lists;
    return [name, { name, tenant, clearance, exports, imports, members: new Map(members) }];
  });
  return { name: "test", durability: "synced", subnets: new Map(all), policy };
}

function rule(
  id: string,
  effect: "allow" | "deny",
  verb: PolicyVerb,
  events: Patterns,
  more: Partial<DeclaredRule> = {},
): DeclaredRule {
  return { id, effect, verbs: [verb], events: parsed(events), ...more };
}

const REGISTRY: readonly KnownEvent[] = [
  { name: "ui.notify", version: 1, kind: "event" },
  { name: "ui.notify", version: 2, kind: "event" },
  { name: "ui.door.open", version: 1, kind: "command" },
  { name: "nlp.intent", version: 1, kind: "event" },
];

const KITCHEN = { verb: "publish", subnet: "alpha", node: "kitchen" } as const;

function decided(mesh: Mesh, question: PolicyQuestion, name: string, version = 1): PolicyDecision {
  return new Policy(compilePolicy(mesh, REGISTRY)).decide(question, name, version);
}

function allowed(mesh: Mesh, question: PolicyQuestion): string[] {
  const policy = new Policy(compilePolicy(mesh, REGISTRY));
  return policy.patternsFor(question).map(({ text }) => text);
}

describe("compilePolicy(), lists of subnets and members", () => {
  const mesh = meshOf({
    alpha: {
      export: ["nlp.", "ui."],
      members: { kitchen: { publish: ["ui."], subscribe: ["nlp.", "ui."] } },
    },
    beta: { import: ["ui."] },
  });

  test("names each rule by its place in the mesh file", () => {
    expect(compilePolicy(mesh, []).map(({ id }) => id)).toEqual([
      "alpha.export[0]",
      "alpha.export[1]",
      "alpha.kitchen.publish[0]",
      "alpha.kitchen.subscribe[0]",
      "alpha.kitchen.subscribe[1]",
      "beta.import[0]",
    ]);
  });

  test("names no origin where all are alike", () => {
    expect(compilePolicy(mesh, []).some(({ from }) => from !== undefined)).toBe(false);
  });

  test("rulesOf() takes those of a subnet, or of one member", () => {
    const rules = compilePolicy(mesh, []);
    expect(rulesOf(rules, "alpha")).toHaveLength(5);
    expect(rulesOf(rules, "alpha", "kitchen").map(({ verb }) => verb)).toEqual([
      "publish",
      "subscribe",
      "subscribe",
    ]);
    expect(rulesOf(rules, "alpha", "nobody")).toEqual([]);
  });
});

describe("compilePolicy(), declared rules", () => {
  const members = {
    kitchen: { roles: ["kiosk"], publish: ["*"] },
    desk: { roles: ["office"], publish: ["*"] },
  };
  const withRules = (...policy: readonly DeclaredRule[]): Mesh => meshOf({ alpha: { members } }, policy);

  test("come before the lists, in their order", () => {
    const mesh = withRules(
      rule("yes", "allow", "publish", ["ui.notify"]),
      rule("no", "deny", "publish", ["ui."]),
    );
    expect(decided(mesh, KITCHEN, "ui.notify")).toEqual({ allowed: true, rule: "yes" });
    expect(decided(mesh, KITCHEN, "ui.door.open")).toMatchObject({ allowed: false, rule: "no" });
    expect(decided(mesh, KITCHEN, "nlp.intent")).toEqual({ allowed: true, rule: "alpha.kitchen.publish[0]" });
  });

  test("cut into what comes after them: what is left are events of the registry", () => {
    const mesh = withRules(rule("no", "deny", "publish", ["ui.door."]));
    expect(allowed(mesh, KITCHEN)).toEqual(["ui.notify", "nlp."]);
    expect(decided(mesh, KITCHEN, "ui.unheard.of")).toMatchObject({
      allowed: false,
      rule: "no",
      reason: expect.stringContaining("only events of the registry"),
    });
  });

  test("cut out single versions", () => {
    const mesh = withRules(rule("no", "deny", "publish", ["ui.notify@1"]));
    expect(allowed(mesh, KITCHEN)).toEqual(["ui.notify@2", "ui.door.", "nlp."]);
  });

  test("may name a kind, a role, a member, a subnet or a tenant", () => {
    const commands = rule("no", "deny", "publish", ["*"], { kinds: ["command"] });
    expect(decided(withRules(commands), KITCHEN, "ui.door.open")).toMatchObject({
      allowed: false,
      rule: "no",
    });
    expect(decided(withRules(commands), KITCHEN, "ui.notify").allowed).toBe(true);
    const named: [Partial<DeclaredRule>, boolean][] = [
      [{ roles: ["office", "kiosk"] }, true],
      [{ roles: ["office"] }, false],
      [{ members: ["kitchen"] }, true],
      [{ members: ["desk"] }, false],
      [{ subnets: ["alpha"] }, true],
      [{ subnets: ["beta"] }, false],
      [{ tenants: ["default"] }, true],
      [{ tenants: ["acme"] }, false],
    ];
    for (const [holder, isMeant] of named) {
      const mesh = withRules(rule("no", "deny", "publish", ["*"], holder));
      expect([holder, decided(mesh, KITCHEN, "ui.notify").allowed]).toEqual([holder, !isMeant]);
    }
  });

  test("of members mean no subnet", () => {
    const mesh = meshOf({ alpha: { export: ["ui."], members } }, [
      rule("no", "deny", "export", ["*"], { members: ["kitchen"] }),
    ]);
    expect(decided(mesh, { verb: "export", subnet: "alpha" }, "ui.notify").allowed).toBe(true);
  });
});

describe("compilePolicy(), tenants", () => {
  const subnets = {
    alpha: { tenant: "acme", export: ["ui."] },
    beta: { tenant: "acme", import: ["ui."] },
    gamma: { tenant: "other", import: ["ui."] },
  };
  const importing = (subnet: string, from: string): PolicyQuestion => ({ verb: "import", subnet, from });

  test("nothing enters from another tenant, whatever the lists say", () => {
    const mesh = meshOf(subnets);
    expect(decided(mesh, importing("beta", "alpha"), "ui.notify").allowed).toBe(true);
    expect(decided(mesh, importing("gamma", "alpha"), "ui.notify")).toMatchObject({
      allowed: false,
      rule: TENANT_BOUNDARY,
    });
  });

  test("a rule without an origin does not open the border, one with it does", () => {
    const open = rule("open", "allow", "import", ["ui.notify"], { subnets: ["gamma"] });
    expect(decided(meshOf(subnets, [open]), importing("gamma", "alpha"), "ui.notify").allowed).toBe(false);
    for (const from of [{ tenants: ["acme"] }, { subnets: ["alpha"] }]) {
      const mesh = meshOf(subnets, [{ ...open, from }]);
      expect(decided(mesh, importing("gamma", "alpha"), "ui.notify").rule).toBe("open");
      expect(decided(mesh, importing("gamma", "alpha"), "ui.door.open").rule).toBe(TENANT_BOUNDARY);
    }
  });

  test("a rule that denies needs no origin", () => {
    const mesh = meshOf(subnets, [rule("no", "deny", "import", ["ui.notify"])]);
    expect(decided(mesh, importing("beta", "alpha"), "ui.notify").rule).toBe("no");
    expect(decided(mesh, importing("gamma", "alpha"), "ui.notify").rule).toBe("no");
  });

  test("importsOf() tells what enters from anywhere", () => {
    const policy = new Policy(compilePolicy(meshOf(subnets), REGISTRY));
    expect(policy.importsOf("gamma")).toEqual([]);
    expect(policy.importsOf("beta").map(({ text }) => text)).toEqual(["ui."]);
  });
});

describe("compilePolicy(), whatever the rules", () => {
  const clause = fc.record({
    effect: fc.constantFrom<"allow" | "deny">("allow", "deny"),
    pattern: nearPattern,
    kind: fc.option(fc.constantFrom<"event" | "command">("event", "command"), { nil: undefined }),
  });
  const known = fc.uniqueArray(
    fc.record({ event: nearEvent, kind: fc.constantFrom<"event" | "command">("event", "command") }),
    { maxLength: 12, selector: ({ event }) => `${event.name}@${event.version}` },
  );

  test("the first that matches decides what the registry knows; of the rest nothing passes that it denies", () => {
    fc.assert(
      fc.property(fc.array(clause, { maxLength: 6 }), known, nearEvent, (clauses, registry, event) => {
        const events = registry.map(({ event: { name, version }, kind }) => ({ name, version, kind }));
        const policy = clauses.map(({ effect, pattern, kind }, i) =>
          rule(`r${i}`, effect, "publish", [pattern], kind === undefined ? {} : { kinds: [kind] }),
        );
        const mesh = meshOf({ alpha: { members: { kitchen: {} } } }, policy);
        const compiled = new Policy(compilePolicy(mesh, events));
        for (const { name, version } of [...events, event]) {
          const kind = events.find((one) => one.name === name && one.version === version)?.kind;
          const first = policy.find(
            ({ events: [pattern], kinds }) =>
              pattern !== undefined &&
              patternMatches(pattern, name, version) &&
              (kinds === undefined || (kind !== undefined && kinds.includes(kind))),
          );
          const decision = compiled.decide(KITCHEN, name, version);
          const isMeant = first?.effect === "allow";
          if (kind !== undefined) {
            expect(decision.allowed).toBe(isMeant);
            expect(decision.rule).toBe(first?.id ?? DEFAULT_DENY);
          } else if (decision.allowed) expect(isMeant).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a server that knows only what is allowed gives the same answer", () => {
    fc.assert(
      fc.property(fc.array(clause, { maxLength: 6 }), known, nearEvent, (clauses, registry, event) => {
        const events = registry.map(({ event: { name, version }, kind }) => ({ name, version, kind }));
        const policy = clauses.map(({ effect, pattern }, i) => rule(`r${i}`, effect, "publish", [pattern]));
        const compiled = new Policy(
          compilePolicy(meshOf({ alpha: { members: { kitchen: {} } } }, policy), events),
        );
        const filters = compiled
          .patternsFor(KITCHEN)
          .map((pattern) => patternToFilter(pattern, { subnet: "alpha", node: "kitchen" }));
        for (const { name, version } of [...events, event]) {
          const subject = formatSubject({ subnet: "alpha", node: "kitchen", name, version });
          expect(filters.some((filter) => filterMatches(filter, subject))).toBe(
            compiled.decide(KITCHEN, name, version).allowed,
          );
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("compilePolicy(), clearance", () => {
  const events: readonly KnownEvent[] = [
    { name: "lab.notice", version: 1, kind: "event", classes: [] },
    { name: "lab.badge", version: 1, kind: "event", classes: ["pii"] },
    { name: "lab.badge", version: 2, kind: "event" },
    { name: "lab.key", version: 1, kind: "event", classes: ["secret", "pii"] },
    { name: "lab.lookup", version: 1, kind: "command" },
    { name: "lab.lookup.result", version: 1, kind: "reply", classes: ["pii"] },
  ];
  const everything = { export: ["*"], import: ["*"] };

  /** `allow`, or the rule that denies. */
  function answers(subnets: Readonly<Record<string, SubnetLists>>, policy: readonly DeclaredRule[] = []) {
    const asked = new Policy(compilePolicy(meshOf(subnets, policy), events));
    return (question: PolicyQuestion, ref: string): string => {
      const [name = "", version = "1"] = ref.split("@");
      const decision = asked.decide(question, name, Number(version));
      return decision.allowed ? "allow" : decision.rule;
    };
  }
  const entering = (subnet: string, from = "alpha"): PolicyQuestion => ({ verb: "import", subnet, from });
  const leaving = (subnet: string): PolicyQuestion => ({ verb: "export", subnet });

  test("lets an event in where all is cleared that its schema classifies, and other versions anywhere", () => {
    const ask = answers({
      alpha: everything,
      beta: everything,
      gamma: { ...everything, clearance: ["pii"] },
      delta: { ...everything, clearance: ["pii", "secret"] },
    });
    const matrix = ["beta", "gamma", "delta"].map((subnet) =>
      ["lab.notice", "lab.badge@1", "lab.badge@2", "lab.key"].map((ref) => ask(entering(subnet), ref)),
    );
    expect(matrix).toEqual([
      ["allow", CLEARANCE, "allow", CLEARANCE],
      ["allow", "allow", "allow", CLEARANCE],
      ["allow", "allow", "allow", "allow"],
    ]);
  });

  test("lets nothing out to the root for which no other subnet is cleared", () => {
    const ask = answers({
      alpha: everything,
      beta: everything,
      gamma: { ...everything, clearance: ["pii"] },
    });
    expect(ask(leaving("alpha"), "lab.badge@1")).toBe("allow");
    expect(ask(leaving("alpha"), "lab.key")).toBe(CLEARANCE);
    // Its own clearance takes nothing out of it.
    expect(ask(leaving("gamma"), "lab.badge@1")).toBe(CLEARANCE);
  });

  test("comes before every rule of the mesh file, and leaves a tenant's border as it is", () => {
    const from = { subnets: ["alpha"] };
    const open = rule("open", "allow", "import", ["lab."], { from });
    const subnets = {
      alpha: { ...everything, tenant: "acme" },
      beta: { ...everything, tenant: "other" },
      gamma: { ...everything, tenant: "other", clearance: ["pii"] as const },
    };
    expect(answers(subnets, [open])(entering("beta"), "lab.badge@1")).toBe(CLEARANCE);
    expect(answers(subnets, [open])(entering("beta"), "lab.notice")).toBe("allow");
    expect(answers(subnets, [open])(entering("gamma"), "lab.badge@1")).toBe("allow");
    expect(answers(subnets)(entering("gamma"), "lab.badge@1")).toBe(TENANT_BOUNDARY);
  });

  test("keeps a command at home whose reply could not come back", () => {
    const ask = answers({
      alpha: everything,
      beta: everything,
      gamma: { ...everything, clearance: ["pii"] },
    });
    expect(ask(leaving("alpha"), "lab.lookup")).toBe(CLEARANCE);
    expect(ask(leaving("gamma"), "lab.lookup")).toBe("allow");
    expect(ask(entering("beta", "gamma"), "lab.lookup")).toBe("allow");
  });

  test("holds within no subnet, and adds no rule where nothing is classified", () => {
    const member = { members: { desk: { publish: ["*"], subscribe: ["*"] } } };
    const ask = answers({ alpha: { ...everything, ...member } });
    const desk = { subnet: "alpha", node: "desk" };
    expect(ask({ verb: "publish", ...desk }, "lab.key")).toBe("allow");
    expect(ask({ verb: "subscribe", ...desk }, "lab.key")).toBe("allow");
    const mesh = meshOf({ alpha: everything, beta: everything });
    const plain = events.map(({ classes: _, ...event }) => event);
    expect(compilePolicy(mesh, plain).map(({ id }) => id)).toEqual(
      compilePolicy(mesh, []).map(({ id }) => id),
    );
  });

  test("leaves filters that let exactly the other events of the registry pass", () => {
    const mesh = meshOf({ alpha: everything, beta: { import: ["lab."] } });
    const patterns = new Policy(compilePolicy(mesh, events)).patternsFor(entering("beta"));
    const passing = events.filter(({ name, version }) =>
      patterns.some((pattern) =>
        filterMatches(
          patternToFilter(pattern),
          formatSubject({ subnet: "alpha", node: "desk", name, version }),
        ),
      ),
    );
    expect(passing.map(({ name, version }) => `${name}@${version}`)).toEqual([
      "lab.notice@1",
      "lab.badge@2",
      "lab.lookup@1",
    ]);
  });
});
