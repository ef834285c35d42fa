import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { declaredPolicy } from "@adaos/supervise";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HOME } from "../../../test/kit/mesh.ts";
import { diffPolicies } from "./diff-policy.ts";
import { eventHop, passes, publishHops } from "./hops.ts";
import { lintPolicy, withoutRule, writtenRules } from "./lint-policy.ts";
import { type LoadedPolicy, loadPolicy, placeOfAnswer } from "./load-policy.ts";
import {
  parsePolicyCases,
  readPolicyCases,
  runCases,
  untestedRules,
  usualCasesFile,
} from "./policy-cases.ts";

const MESH = [
  "mesh: demo",
  `registry: ${join(HOME, "schemas/events")}`,
  "subnets:",
  "  alpha:",
  "    export: [ui.]",
  "    members:",
  "      kitchen: { roles: [kiosk], publish: [ui., repo.] }",
  "      desk: { subscribe: [ui.] }",
  "  beta:",
  "    import: [ui.notify]",
  "    members: { lamp: { subscribe: [ui.notify] } }",
];
const NO_REPO = "policy: [{ id: no-repo, deny: publish, role: kiosk, events: repo. }]";
const KITCHEN = { subnet: "alpha", node: "kitchen" };
const LAMP = { subnet: "beta", node: "lamp" };
const NOTIFY = { name: "ui.notify", version: 1 };
const INSTALL = { name: "repo.skill.install", version: 1 };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-policy-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function load(...lines: readonly string[]): Promise<LoadedPolicy> {
  const file = join(dir, "mesh.yaml");
  writeFileSync(file, lines.join("\n"));
  return loadPolicy(file);
}

describe("publishHops()", () => {
  test("asks every question as far as another subnet's handler, with the rule of each", async () => {
    const { policy, meshFile } = await load(...MESH);
    const hops = publishHops(policy, NOTIFY, KITCHEN, LAMP);
    expect(hops.map(({ verb, who, from, decision }) => [verb, who, from, decision.rule])).toEqual([
      ["publish", "alpha/kitchen", undefined, "alpha.kitchen.publish[0]"],
      ["export", "alpha", undefined, "alpha.export[0]"],
      ["import", "beta", "alpha", "beta.import[0]"],
      ["subscribe", "beta/lamp", undefined, "beta.lamp.subscribe[0]"],
    ]);
    expect(passes(hops)).toBe(true);
    expect(meshFile.placeOfRule("alpha.kitchen.publish[0]")).toMatch(/mesh\.yaml:7:\d+$/);
    expect(meshFile.placeOfRule("beta.import[0]")).toMatch(/mesh\.yaml:10:\d+$/);
    expect(meshFile.placeOfRule("default-deny")).toBeUndefined();
  });

  test("asks no link within a subnet, and goes on after a refusal", async () => {
    const { policy } = await load(...MESH, NO_REPO);
    const hops = publishHops(policy, INSTALL, KITCHEN, { subnet: "alpha", node: "desk" });
    expect(hops.map(({ verb, decision }) => [verb, decision.rule])).toEqual([
      ["publish", "no-repo"],
      ["subscribe", "default-deny"],
    ]);
    expect(passes(hops)).toBe(false);
  });

  test("one question alone", async () => {
    const { policy } = await load(...MESH);
    const asked = { verb: "import", subnet: "beta", from: "alpha" } as const;
    expect(eventHop(policy, asked, INSTALL).decision.allowed).toBe(false);
    expect(eventHop(policy, asked, NOTIFY).decision.allowed).toBe(true);
  });
});

describe("lintPolicy()", () => {
  test("finds nothing in a policy of which every rule decides something", async () => {
    expect(lintPolicy(await load(...MESH, NO_REPO))).toEqual([
      // The rule above denies all of it.
      expect.objectContaining({
        rule: "alpha.kitchen.publish[1]",
        message: expect.stringContaining("nothing"),
      }),
    ]);
    expect(lintPolicy(await load(...MESH))).toEqual([]);
  });

  test("finds a rule for nobody, one that another covers, and an event that nobody knows", async () => {
    const rules = [
      "policy:",
      "  - { id: all, allow: publish, member: kitchen, events: '*' }",
      "  - { id: covered, deny: publish, member: kitchen, events: ui. }",
      "  - { id: nobody, deny: publish, member: kitchen, subnet: beta, events: ui. }",
      "  - { id: typo, deny: publish, member: desk, events: [ui.notfy, ui.notify] }",
    ];
    const found = lintPolicy(await load(...MESH, ...rules)).map(({ rule, message, place }) => [
      rule,
      message,
      place,
    ]);
    expect(found).toEqual([
      ["covered", expect.stringContaining("decides nothing"), expect.stringMatching(/mesh\.yaml:14:/)],
      ["nobody", expect.stringContaining("decides nothing"), expect.stringMatching(/mesh\.yaml:15:/)],
      ["typo", "the registry has no event ui.notfy", expect.stringMatching(/mesh\.yaml:16:/)],
      ["alpha.kitchen.publish[0]", expect.stringContaining("decides nothing"), expect.any(String)],
      ["alpha.kitchen.publish[1]", expect.stringContaining("decides nothing"), expect.any(String)],
    ]);
  });
});

describe("policy cases", () => {
  const CASES = [
    "cases:",
    "  - { publish: ui.notify, as: alpha/kitchen, to: beta/lamp, expect: allow }",
    "  - { publish: repo.skill.install@1, as: alpha/kitchen, expect: deny, rule: no-repo }",
    "  - { subscribe: ui., as: alpha/desk, expect: allow, rule: 'alpha.desk.subscribe[0]' }",
  ];

  test("hold, and each rule of the policy is missed by one", async () => {
    const loaded = await load(...MESH, NO_REPO);
    const cases = parsePolicyCases(CASES.join("\n"), "cases.yaml");
    expect(runCases(loaded, cases).map(({ problem }) => problem)).toEqual([undefined, undefined, undefined]);
    expect(untestedRules(loaded, cases)).toEqual(["alpha.kitchen.publish[1]"]);
  });

  test("tell what is instead, and by which rule, with their place", async () => {
    const loaded = await load(...MESH);
    const results = runCases(loaded, parsePolicyCases(CASES.join("\n"), "cases.yaml"));
    expect(results[1]).toMatchObject({
      ok: false,
      place: expect.stringMatching(/cases\.yaml:3:5$/),
      title: "publish repo.skill.install@1 as alpha/kitchen",
      problem: "expected deny, is allow by alpha.kitchen.publish[1]",
    });
  });

  test("find every rule that nobody would miss", async () => {
    const loaded = await load(...MESH);
    expect(untestedRules(loaded, parsePolicyCases("cases: []", "cases.yaml"))).toHaveLength(
      writtenRules(loaded.meshFile.mesh).length,
    );
  });

  test.each([
    ["neither verb", "{ as: alpha/desk, expect: deny }", /one of publish, subscribe, export and import/],
    [
      "two verbs",
      "{ publish: ui.notify, export: ui.notify, as: alpha/desk, expect: deny }",
      /one of publish/,
    ],
    ["another answer", "{ publish: ui.notify, as: alpha/desk, expect: maybe }", /expect/],
    ["an unknown key", "{ publish: ui.notify, as: alpha/desk, expect: deny, form: x }", /unknown key "form"/],
  ])("refuses a case with %s", (_, text, problem) => {
    expect(() => parsePolicyCases(`cases: [${text}]`, "cases.yaml")).toThrow(problem);
  });

  test("a case that cannot be asked fails, and the others are run", async () => {
    const cases = parsePolicyCases(
      [
        "cases:",
        "  - { publish: 'ui.*', as: alpha/desk, expect: deny }",
        "  - { publish: ui.notify, as: desk, expect: deny }",
        "  - { publish: ui.notify, as: alpha/porch, expect: deny }",
        "  - { import: ui.notify, as: beta, expect: deny }",
        "  - { subscribe: ui., as: alpha/desk, to: beta/lamp, expect: allow }",
        "  - { subscribe: ui., as: alpha/desk, expect: allow }",
        "  - { import: ui.notify, as: beta, from: alpha, expect: allow }",
        "  - { export: repo.skill.install, as: alpha, expect: deny }",
      ].join("\n"),
      "cases.yaml",
    );
    const results = runCases(await load(...MESH), cases);
    expect(results.map(({ ok }) => ok)).toEqual([false, false, false, false, false, true, true, true]);
  });

  test("of the default mesh hold, and miss none of its rules", async () => {
    const file = join(HOME, "deploy/mesh.yaml");
    const loaded = await loadPolicy(file);
    const cases = readPolicyCases(usualCasesFile(file));
    expect(runCases(loaded, cases).filter(({ ok }) => !ok)).toEqual([]);
    expect(untestedRules(loaded, cases)).toEqual([]);
  });

  test("lie beside the mesh file", () => {
    expect(usualCasesFile("/a/deploy/mesh.yaml")).toBe("/a/deploy/policy-tests.yaml");
  });
});

describe("diffPolicies()", () => {
  test("tells what becomes possible and what no longer is, by the rule that says so", async () => {
    const before = await load(...MESH);
    const wider = MESH.map((line) => line.replace("import: [ui.notify]", "import: [ui.notify, repo.]"));
    const after = await load(...wider, NO_REPO);
    const changes = diffPolicies(declaredPolicy(before), declaredPolicy(after), after.events);
    const installs = changes.filter(({ event }) => event === "repo.skill.install@1");
    expect(installs).toEqual([
      {
        change: "denied",
        verb: "publish",
        who: "alpha/kitchen",
        event: "repo.skill.install@1",
        rule: "no-repo",
      },
      {
        change: "allowed",
        verb: "import",
        who: "beta",
        from: "alpha",
        event: "repo.skill.install@1",
        rule: "beta.import[1]",
      },
    ]);
  });

  test("tells nothing of what stays", async () => {
    const state = declaredPolicy(await load(...MESH));
    expect(diffPolicies(state, state, [{ ...NOTIFY, kind: "event" }])).toEqual([]);
  });
});

describe("withoutRule()", () => {
  test("takes one rule away, and the others keep their names", async () => {
    const { meshFile } = await load(...MESH, NO_REPO);
    const ids = (mesh: typeof meshFile.mesh): string[] => writtenRules(mesh).map(({ id }) => id);
    expect(ids(withoutRule(meshFile.mesh, "no-repo"))).toEqual(ids(meshFile.mesh).slice(1));
    expect(ids(withoutRule(meshFile.mesh, "alpha.kitchen.publish[0]"))).toEqual(ids(meshFile.mesh));
  });
});

describe("docs/guide/", () => {
  const shownIn = (page: string): (string | undefined)[] =>
    [...readFileSync(join(HOME, "docs/guide", page), "utf8").matchAll(/^```yaml\n(.*?)^```$/gms)].map(
      ([, block]) => block,
    );
  const [shown = "", clearance = "", cases = ""] = shownIn("policy.md");
  const [limits = ""] = shownIn("limits.md");
  const registry = `mesh: docs\nregistry: ${join(HOME, "schemas/events")}\n`;

  test("shows a mesh file whose cases hold", async () => {
    const results = runCases(await load(registry + shown), parsePolicyCases(cases, "docs/guide/policy.md"));
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results.length).toBeGreaterThan(3);
  });

  test("shows a clearance that is read", async () => {
    const { meshFile } = await load(registry + clearance);
    expect(meshFile.mesh.subnets.get("payroll")?.clearance).toEqual(["pii"]);
    expect(meshFile.mesh.subnets.get("kiosk")?.clearance).toEqual([]);
  });

  test("shows limits that are read", async () => {
    const { meshFile } = await load(registry + limits);
    const alpha = meshFile.mesh.subnets.get("alpha");
    expect(alpha?.exportLimit).toEqual({ eventsPerSecond: 200, bytesPerSecond: 1_000_000 });
    expect(alpha?.members.get("kitchen")?.limits).toHaveLength(1);
  });
});

describe("clearance", () => {
  const MESH_WITH = (...more: readonly string[]): string[] => [
    "mesh: demo",
    "registry: registry",
    "subnets:",
    "  alpha: { export: [lab.], members: { kitchen: { publish: [lab.] } } }",
    "  beta: { import: [lab.], members: { lamp: { subscribe: [lab.] } } }",
    "  gamma: { import: [lab.], clearance: [pii] }",
    ...more,
  ];
  const PERSON = { name: "lab.person", version: 1 };
  beforeEach(() => {
    const record = { version: 1, kind: "event", summary: "x", status: "stable" };
    const records = ["lab.person", "lab.notice"].map((name) => ({ ...record, name, schema: `${name}.json` }));
    mkdirSync(join(dir, "registry"));
    writeFileSync(join(dir, "registry/registry.yaml"), JSON.stringify(records));
    const schema = '{ "properties": {\n  "mail": { "x-classification": "pii" } } }';
    writeFileSync(join(dir, "registry/lab.person.json"), schema);
    writeFileSync(join(dir, "registry/lab.notice.json"), "{}");
  });

  test("is an answer of its own, with the place in the schema", async () => {
    const loaded = await load(...MESH_WITH());
    const hops = publishHops(loaded.policy, PERSON, KITCHEN, LAMP);
    expect(hops.map(({ decision }) => decision.rule)).toEqual([
      "alpha.kitchen.publish[0]",
      "alpha.export[0]",
      "clearance",
      "beta.lamp.subscribe[0]",
    ]);
    const [, , entering] = hops;
    expect(entering && placeOfAnswer(loaded, entering)).toMatch(/lab\.person\.json:2:33$/);
    expect(passes(publishHops(loaded.policy, PERSON, KITCHEN))).toBe(true);
  });

  test("is warned of where it keeps from a rule what that lets through, unless a rule denies it too", async () => {
    const [found, ...more] = lintPolicy(await load(...MESH_WITH()));
    expect(more).toEqual([]);
    expect(found).toMatchObject({
      rule: "beta.import[0]",
      place: expect.stringMatching(/mesh\.yaml:5:/),
      message: expect.stringMatching(/^never lets through lab\.person@1 \(pii at .*lab\.person\.json:2:33\)/),
    });
    const meant = "policy: [{ id: meant, deny: import, subnet: beta, events: lab.person }]";
    expect(lintPolicy(await load(...MESH_WITH(meant))).map(({ rule }) => rule)).toEqual([]);
  });

  test("shows in a diff and can be expected in a case", async () => {
    const before = await load(...MESH_WITH());
    const cases = "cases: [{ import: lab.person, as: beta, from: alpha, expect: deny, rule: clearance }]";
    expect(runCases(before, parsePolicyCases(cases, "cases.yaml"))).toMatchObject([{ ok: true }]);
    const after = await load(
      ...MESH_WITH().map((line) => line.replace("beta: {", "beta: { clearance: [pii],")),
    );
    const changes = diffPolicies(declaredPolicy(before), declaredPolicy(after), after.events);
    expect(changes.map(({ change, who, from, event }) => `${change} ${who} ${from} ${event}`)).toEqual([
      "allowed beta alpha lab.person@1",
      "allowed beta gamma lab.person@1",
    ]);
  });
});
