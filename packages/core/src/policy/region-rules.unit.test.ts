import { describe, expect, test } from "vitest";
import { parseEventPattern } from "../language/event-pattern.ts";
import type { KnownEvent } from "./compile-policy.ts";
import { compilePolicy } from "./compile-policy.ts";
import type { Mesh, Region, Subnet } from "./mesh.ts";
import { Policy } from "./policy.ts";
import { compileRegionRules } from "./region-rules.ts";

const EVENTS: readonly KnownEvent[] = [
  { name: "ui.notify", version: 1, kind: "event" },
  { name: "ui.photo", version: 1, kind: "event", classes: ["pii"] },
  { name: "ui.show", version: 1, kind: "command" },
  { name: "ui.show.reply", version: 1, kind: "reply" },
];

const subnet = (name: string, changes: Partial<Subnet> = {}): Subnet => ({
  name,
  tenant: "default",
  exports: [parseEventPattern("ui.")],
  imports: [parseEventPattern("ui.")],
  members: new Map(),
  ...changes,
});

function meshOf(region: Partial<Region>, ...subnets: readonly Subnet[]): Mesh {
  const west: Region = {
    name: "west",
    tenant: "default",
    clearance: [],
    exports: [parseEventPattern("ui.")],
    imports: [parseEventPattern("ui.")],
    subnets: new Map([["attic", undefined]]),
    ...region,
  };
  const named = new Map(subnets.map((one) => [one.name, one]));
  return {
    name: "east",
    durability: "synced",
    subnets: named,
    policy: [],
    regions: new Map([["west", west]]),
  };
}

const goes = (mesh: Mesh, name: string): boolean => {
  const policy = new Policy(compileRegionRules(mesh, EVENTS));
  return policy.decide({ verb: "import", subnet: "west", from: "east" }, name, 1).allowed;
};
const comes = (mesh: Mesh, name: string): boolean => {
  const policy = new Policy(compileRegionRules(mesh, EVENTS));
  return policy.decide({ verb: "import", subnet: "east", from: "west" }, name, 1).allowed;
};

describe("compileRegionRules()", () => {
  test("lets listed events go and come, each way by its own list", () => {
    const mesh = meshOf({ imports: [] }, subnet("cellar"));
    expect([goes(mesh, "ui.notify"), comes(mesh, "ui.notify"), goes(mesh, "nlp.intent")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("keeps commands and replies in their region, and says by which rule", () => {
    const mesh = meshOf({}, subnet("cellar"));
    for (const name of ["ui.show", "ui.show.reply"])
      expect([goes(mesh, name), comes(mesh, name)]).toEqual([false, false]);
    const policy = new Policy(compileRegionRules(mesh, EVENTS));
    expect(policy.decide({ verb: "import", subnet: "west", from: "east" }, "ui.show", 1)).toMatchObject({
      rule: "region-events",
    });
  });

  test("lets classified data go to a cleared region only", () => {
    expect(goes(meshOf({}, subnet("cellar")), "ui.photo")).toBe(false);
    expect(goes(meshOf({ clearance: ["pii"] }, subnet("cellar")), "ui.photo")).toBe(true);
  });

  test("is empty for a mesh without regions", () => {
    expect(compileRegionRules({ ...meshOf({}), regions: new Map() }, EVENTS)).toEqual([]);
  });
});

describe("compilePolicy() with regions", () => {
  const importOf = (mesh: Mesh, from: string, name = "ui.notify"): boolean =>
    new Policy(compilePolicy(mesh, EVENTS)).decide({ verb: "import", subnet: "cellar", from }, name, 1)
      .allowed;

  test("lets a subnet import from another region's subnet by its own list", () => {
    expect(importOf(meshOf({}, subnet("cellar")), "attic")).toBe(true);
    expect(importOf(meshOf({}, subnet("cellar", { imports: [] })), "attic")).toBe(false);
  });

  test("keeps another tenant's region out, unless a rule names it", () => {
    const mesh = meshOf({ tenant: "acme" }, subnet("cellar"));
    expect(importOf(mesh, "attic")).toBe(false);
    const rule = {
      id: "acme",
      effect: "allow",
      verbs: ["import"],
      events: [parseEventPattern("ui.")],
      from: { tenants: ["acme"] },
    } as const;
    expect(importOf({ ...mesh, policy: [rule] }, "attic")).toBe(true);
  });

  test("lets classified data leave the only subnet when a region is cleared for it", () => {
    const leaves = (mesh: Mesh): boolean =>
      new Policy(compilePolicy(mesh, EVENTS)).decide({ verb: "export", subnet: "cellar" }, "ui.photo", 1)
        .allowed;
    expect(leaves(meshOf({}, subnet("cellar")))).toBe(false);
    expect(leaves(meshOf({ clearance: ["pii"] }, subnet("cellar")))).toBe(true);
  });
});
