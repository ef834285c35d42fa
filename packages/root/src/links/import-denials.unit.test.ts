import { Policy, type PolicyRule, parseEventPattern } from "@adaos/core";
import type { Denial } from "@adaos/core/wire";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ImportDenials } from "./import-denials.ts";

const rule = (effect: "allow" | "deny", subnet: string, pattern: string, id: string): PolicyRule => {
  return { id, effect, verb: "import", subnet, pattern: parseEventPattern(pattern) };
};
const RULES = [
  rule("allow", "beta", "ui.", "beta.import[0]"),
  rule("deny", "gamma", "ui.notify", "no-notices"),
];
const NOTIFY = "evt.alpha.kitchen.ui.notify.v1";
const DIMMED = "evt.alpha.kitchen.ui.dimmed.v1";

let policy: Policy;
let tenants: Map<string, string>;
let reports: (Denial & { count: number })[];
let denials: ImportDenials;

beforeEach(() => {
  vi.useFakeTimers();
  policy = new Policy(RULES);
  tenants = new Map(["alpha", "beta", "gamma"].map((name) => [name, "acme"]));
  reports = [];
  denials = new ImportDenials({
    policy,
    tenants,
    onDenied: (denial, count) => reports.push({ ...denial, count }),
  });
});
afterEach(() => {
  denials.close();
  vi.useRealTimers();
});

describe("ImportDenials", () => {
  test("tells at once who does not import an event, by which rule, and its id", () => {
    denials.note(NOTIFY, "EVT-1");
    expect(reports).toEqual([
      {
        hop: "import",
        node: "gamma",
        event: "ui.notify@1",
        from: "alpha",
        rule: "no-notices",
        reason: expect.stringContaining("gamma may not import ui.notify@1 from alpha"),
        eventId: "EVT-1",
        count: 1,
      },
    ]);
    denials.note(DIMMED, "EVT-2");
    expect(reports[1]).toMatchObject({ node: "gamma", rule: "default-deny", isEveryday: true });
  });

  test("counts what follows, and tells of the last", () => {
    for (let i = 0; i < 100; i++) denials.note(NOTIFY, `EVT-${i}`);
    expect(reports).toHaveLength(1);
    vi.advanceTimersByTime(5000);
    expect(reports.slice(1)).toMatchObject([{ count: 99, eventId: "EVT-99" }]);
    vi.advanceTimersByTime(60_000);
    expect(reports).toHaveLength(2);
  });

  test("asks again when the policy is another", () => {
    denials.note(DIMMED, "EVT-1");
    policy.replace([...RULES, rule("allow", "gamma", "ui.dimmed", "gamma.import[0]")]);
    denials.note(DIMMED, "EVT-2");
    denials.note(NOTIFY, "EVT-3");
    expect(reports.map(({ event }) => event)).toEqual(["ui.dimmed@1", "ui.notify@1"]);
  });

  test("tells of no reply, and of none of what tells of denials", () => {
    denials.note("rpy.far.gamma.desk.1.alpha.kitchen.ui.ask.v1", "EVT-1");
    denials.note("evt.alpha.root.mesh.policy.denied.v1", "EVT-2");
    expect(reports).toEqual([]);
  });

  test("asks those whose rules differ by origin for each origin", () => {
    const from = ["beta"];
    policy.replace([...RULES, { ...rule("allow", "gamma", "ui.dimmed", "gamma.import[0]"), from }]);
    denials.note(DIMMED, "EVT-1");
    denials.note(DIMMED.replace("alpha", "beta"), "EVT-2");
    const told = reports.map(({ node, from: origin }) => `${node} from ${origin}`);
    expect(told).toEqual(["gamma from alpha", "alpha from beta"]);
  });

  test("reports no more than a rate to all of many subnets, and to each in its turn", () => {
    tenants = new Map(Array.from({ length: 1000 }, (_, i) => [i === 0 ? "alpha" : `s${i}`, "acme"]));
    denials.close();
    denials = new ImportDenials({
      policy,
      tenants,
      onDenied: (denial, count) => reports.push({ ...denial, count }),
    });
    for (let i = 0; i < 100; i++) denials.note(DIMMED, `EVT-${i}`);
    expect(reports).toHaveLength(100);
    for (let round = 0; round < 30; round++) {
      vi.advanceTimersByTime(5000);
      denials.note(DIMMED, "EVT-next");
    }
    expect(reports.length).toBeLessThan(4000);
    expect(new Set(reports.map(({ node }) => node)).size).toBe(999);
  });
});
