import { compilePolicy, type Mesh, parseEventPattern } from "@adaos/core";
import { type KnownEvent, resolveTimer, type Subnet } from "@adaos/core/wire";
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

test("a program may not change what the mesh file declares", async () => {
  const kitchen = {
    name: "kitchen",
    publish: [parseEventPattern("*")],
    subscribe: [],
    roles: [],
    limits: [],
  };
  const own = {
    name: "alpha",
    tenant: "default",
    exports: [],
    imports: [],
    members: new Map([["kitchen", kitchen]]),
  };
  const mesh = {
    name: "m",
    durability: "synced",
    subnets: new Map([["alpha", own]]),
    policy: [],
  } as unknown as Mesh;
  const timers = new LocalMesh(mesh, compilePolicy(mesh, EVENTS)).broker("alpha")?.timers;
  const event = { name: "timer.tick", version: 1, kind: "event" } as const;
  const timer = (everyMs: number) => resolveTimer("t", { everyMs }, event, undefined, 0);
  await timers?.declare("kitchen", timer(3_600_000));
  const inFile = { code: "usage", message: expect.stringMatching(/is in the mesh file/) };
  await expect(timers?.of("kitchen").put(timer(1000))).rejects.toMatchObject(inFile);
  await expect(timers?.of("kitchen").remove("t")).rejects.toMatchObject(inFile);
  expect(await timers?.of("kitchen").pause("t")).toMatchObject({ declared: true, every_ms: 3_600_000 });
});
