import { compilePolicy, type Mesh, parseEventPattern } from "@adaos/core";
import type { KnownEvent, Subnet } from "@adaos/core/wire";
import { describe, expect, test } from "vitest";
import { LocalMesh } from "./local-mesh.ts";

const EVENTS: readonly KnownEvent[] = [
  { name: "lab.lookup", version: 1, kind: "command" },
  { name: "lab.lookup.result", version: 1, kind: "reply", classes: ["pii"] },
];
const COMMAND = "evt.alpha.desk.lab.lookup.v1";

function meshOf(clearance: Subnet["clearance"]): LocalMesh {
  const all = [parseEventPattern("*")];
  const subnets = ["alpha", "beta"].map((name): [string, Subnet] => {
    const own = { name, tenant: "default", exports: all, imports: all, members: new Map() };
    return [name, clearance === undefined ? own : { ...own, clearance }];
  });
  const mesh: Mesh = { name: "m", durability: "synced", subnets: new Map(subnets), policy: [] };
  return new LocalMesh(mesh, compilePolicy(mesh, EVENTS));
}

describe("LocalMesh", () => {
  test("refuses a request whose reply the subnet is not cleared for, rather than let it wait", () => {
    const asked = (): unknown => meshOf(undefined).broker("alpha")?.isAnswered(COMMAND);
    expect(asked).toThrow(expect.objectContaining({ code: "denied", rule: "clearance" }));
  });

  test("takes one that it is cleared for", () => {
    expect(meshOf(["pii"]).broker("alpha")?.isAnswered(COMMAND)).toBe(false);
  });
});
