import { describe, expect, test } from "vitest";
import { parseEventPattern } from "./event-pattern.ts";
import { type Mesh, memberRules, rulesOf, type Subnet, subnetRules } from "./mesh.ts";

const patterns = (...texts: readonly string[]): ReturnType<typeof parseEventPattern>[] =>
  texts.map(parseEventPattern);

const ALPHA: Subnet = {
  name: "alpha",
  exports: patterns("nlp.", "ui."),
  imports: patterns("ui."),
  members: new Map([
    ["kitchen", { name: "kitchen", publish: patterns("ui."), subscribe: patterns("timer.", "ui.") }],
    ["speaker", { name: "speaker", publish: [], subscribe: patterns("*") }],
  ]),
};

describe("subnetRules()", () => {
  test("names each rule by its place in the mesh file, without a node", () => {
    expect(subnetRules(ALPHA).map(({ id, node }) => [id, node])).toEqual([
      ["alpha.export[0]", undefined],
      ["alpha.export[1]", undefined],
      ["alpha.import[0]", undefined],
    ]);
  });
});

describe("memberRules()", () => {
  test("names each rule by its place in the mesh file", () => {
    expect(memberRules(ALPHA).map(({ id }) => id)).toEqual([
      "alpha.kitchen.publish[0]",
      "alpha.kitchen.subscribe[0]",
      "alpha.kitchen.subscribe[1]",
      "alpha.speaker.subscribe[0]",
    ]);
  });

  test("takes only the member that is named", () => {
    expect(memberRules(ALPHA, "speaker").map(({ id }) => id)).toEqual(["alpha.speaker.subscribe[0]"]);
    expect(memberRules(ALPHA, "nobody")).toEqual([]);
  });
});

describe("rulesOf()", () => {
  test("gives every rule of every subnet an id of its own", () => {
    const beta: Subnet = { ...ALPHA, name: "beta" };
    const mesh: Mesh = {
      name: "demo",
      durability: "synced",
      subnets: new Map([
        ["alpha", ALPHA],
        ["beta", beta],
      ]),
    };
    const ids = rulesOf(mesh).map(({ id }) => id);
    expect(ids).toHaveLength(14);
    expect(new Set(ids).size).toBe(14);
  });
});
