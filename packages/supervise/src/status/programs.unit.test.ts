import { describe, expect, it } from "vitest";
import type { ComponentHealth } from "./health.ts";
import { programsOf } from "./programs.ts";

function node(name: string, program: string | undefined, details: object = {}): ComponentHealth {
  const told = program === undefined ? {} : { program };
  return { kind: "node", name, ready: true, note: "", ...told, details: { ...details } };
}

describe("programsOf", () => {
  it("lists own daemons, and what hubs and root have heard of others", () => {
    const components = [
      node("root", "0.2.0/1", { links: { programs: { alpha: "0.1.0/1", gamma: "0.1.5/1" } } }),
      node("alpha/hub", undefined, {
        members: { programs: { kitchen: "0.2.0/1", hall: "0.1.0/1" } },
        registry: { programs: { root: "0.2.0/1" } },
      }),
      node("alpha/kitchen", "0.2.0/1"),
    ];
    expect(programsOf({ components })).toEqual([
      { node: "alpha/hall", program: "0.1.0/1", heardBy: "alpha/hub" },
      { node: "alpha/hub", program: undefined },
      { node: "alpha/kitchen", program: "0.2.0/1" },
      { node: "gamma/hub", program: "0.1.5/1", heardBy: "root" },
      { node: "root", program: "0.2.0/1" },
    ]);
  });

  it("leaves out what does not answer, and what is no program", () => {
    const away: ComponentHealth = { kind: "node", name: "alpha/hub", ready: false, note: "is not running" };
    const odd = node("root", "0.1.0/1", { links: { programs: { a: 7, b: "x", c: null } }, members: null });
    expect(programsOf({ components: [away, odd] })).toEqual([{ node: "root", program: "0.1.0/1" }]);
  });
});
