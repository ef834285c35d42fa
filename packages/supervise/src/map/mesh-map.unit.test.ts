import type { DurableFlow, FlowLook } from "@adaos/operations";
import type { Layout } from "@adaos/provision";
import { describe, expect, test } from "vitest";
import type { ComponentHealth } from "../status/health.ts";
import { type MeshLook, meshMap } from "./mesh-map.ts";

const server = (of: string): Layout["servers"][number] => ({ name: `nats-${of}`, of }) as never;
const node = (id: string, role: "root" | "hub" | "member"): Layout["nodes"][number] => ({
  id,
  role,
  nodeFile: "",
});
const LAYOUT: Layout = {
  mesh: "demo",
  registryDir: "",
  ports: {},
  servers: [server("root"), server("alpha")],
  nodes: [node("root", "root"), node("alpha/hub", "hub"), node("alpha/kitchen", "member")],
  remote: ["far"],
};
const MEMBERS = new Map([["alpha", ["kitchen", "porch"]]]);
const AT = new Date("2026-11-30T13:00:00Z");

const component = (
  kind: ComponentHealth["kind"],
  name: string,
  more: Partial<ComponentHealth> = {},
): ComponentHealth => ({
  kind,
  name,
  ready: true,
  note: "fine",
  ...more,
});
const link = (name: string, carried: number, more: Partial<ComponentHealth> = {}): ComponentHealth =>
  component("link", name, { details: { carried, refused: 0, standsBy: false }, lag: 0, ...more });

const porch: DurableFlow = {
  member: "alpha/porch",
  durable: "door",
  pattern: "ui.",
  pending: 7,
  unsettled: 0,
  redelivered: 0,
  paused: false,
  ended: 3,
  lastActive: "2026-11-30T12:59:00Z",
};

function look(
  atMs: number,
  components: readonly ComponentHealth[],
  uplink?: { pending: number; isPulled: boolean },
): MeshLook {
  const base = [
    component("server", "nats-root"),
    component("server", "nats-alpha"),
    component("node", "root"),
  ];
  const own = [
    ...base,
    component("node", "alpha/hub"),
    component("node", "alpha/kitchen", { details: { outbox: { waiting: 2 } } }),
  ];
  const alpha = {
    subnet: "alpha",
    messages: 0,
    bytes: 0,
    firstSeq: 1,
    lastSeq: 0,
    published: new Map(),
    durables: [porch],
    uplink,
  };
  const flow: FlowLook = { atMs, subnets: [alpha], away: [] };
  return {
    health: { mesh: "demo", ready: true, components: [...own, ...components], config: { errors: [] } },
    flow,
  };
}

describe("meshMap()", () => {
  test("has the daemons of this machine, and those that are elsewhere", () => {
    const map = meshMap(LAYOUT, MEMBERS, undefined, look(0, []), AT);
    expect(map.subnets).toEqual(["alpha", "far"]);
    expect(map.nodes.map(({ id, state }) => `${id} ${state}`)).toEqual([
      "root ready",
      "alpha/hub ready",
      "alpha/kitchen ready",
      "alpha/porch elsewhere",
      "far/hub elsewhere",
    ]);
    expect(map.nodes.find(({ id }) => id === "alpha/kitchen")?.outbox).toBe(2);
    expect(map.nodes.find(({ id }) => id === "alpha/porch")).toMatchObject({
      lag: 7,
      lastActive: porch.lastActive,
    });
    expect(map.window_s).toBe(0);
  });

  test("makes rates of two looks, also after the root's restart", () => {
    const map = meshMap(
      LAYOUT,
      MEMBERS,
      look(0, [link("up alpha", 100), link("up far", 100)]),
      look(2000, [link("up alpha", 140), link("up far", 4)]),
      AT,
    );
    expect(map.links.map(({ subnet, direction, carried }) => [direction, subnet, carried])).toEqual([
      ["up", "alpha", 20],
      ["down", "alpha", undefined],
      ["up", "far", 2],
      ["down", "far", undefined],
    ]);
    expect(map.window_s).toBe(2);
  });

  test("calls a link down with its reason, and one that no root daemon reports", () => {
    const broken = link("up alpha", 0, { ready: false, note: "source: away" });
    const { links } = meshMap(LAYOUT, MEMBERS, undefined, look(0, [broken]), AT);
    expect(links[0]).toMatchObject({ state: "down", note: "source: away" });
    expect(links[1]).toMatchObject({ state: "down", note: "no root daemon answers" });
  });

  test("has no links of a subnet that exchanges nothing, unless a root daemon may hide them", () => {
    const alone = look(0, [link("up far", 5), link("down far", 5)]);
    const subnetsOf = (now: MeshLook): string[] =>
      meshMap(LAYOUT, MEMBERS, undefined, now, AT).links.map(({ subnet }) => subnet);
    expect(subnetsOf(alone)).not.toContain("alpha");
    const components = alone.health.components.map((one) =>
      one.name === "root" ? { ...one, ready: false } : one,
    );
    expect(subnetsOf({ ...alone, health: { ...alone.health, components } })).toContain("alpha");
  });

  test("calls a link down whose hub's server does not answer, before the root has noticed", () => {
    const now = look(0, [link("up alpha", 5), link("up far", 5)]);
    const components = now.health.components.map((one) =>
      one.name === "nats-alpha" ? { ...one, ready: false, note: "does not answer" } : one,
    );
    const { links } = meshMap(
      LAYOUT,
      MEMBERS,
      undefined,
      { ...now, health: { ...now.health, components } },
      AT,
    );
    expect(links[0]).toMatchObject({ state: "down", note: "nats-alpha does not answer" });
    expect(links[2]).toMatchObject({ subnet: "far", state: "ready" });
  });

  test("tells which of several root daemons serves a link", () => {
    const layout = { ...LAYOUT, nodes: [...LAYOUT.nodes, node("root-2", "root")] };
    const spare = { details: { carried: 1, refused: 2, standsBy: true } };
    const away = { ready: false, note: "source: away", details: { carried: 5, refused: 1, standsBy: true } };
    const served = meshMap(
      layout,
      MEMBERS,
      undefined,
      look(0, [link("up alpha (root)", 5), link("up alpha (root-2)", 1, spare)]),
      AT,
    );
    expect(served.links[0]).toMatchObject({ state: "ready", refused: 2 });
    expect(served.links[0]?.carriers.map(({ root, state }) => `${root} ${state}`)).toEqual([
      "root serves",
      "root-2 stands by",
    ]);
    const failedOver = meshMap(
      layout,
      MEMBERS,
      undefined,
      look(0, [link("up alpha (root)", 5, away), link("up alpha (root-2)", 1)]),
      AT,
    );
    expect(failedOver.links[0]?.state).toBe("ready");
    expect(failedOver.links[0]?.carriers.map(({ state }) => state)).toEqual(["down", "serves"]);
  });

  test("tells which of several hub daemons serves the subnet", () => {
    const layout = { ...LAYOUT, nodes: [...LAYOUT.nodes, node("alpha/hub-2", "hub")] };
    const duty = { details: { duty: { holder: "hub-2" } } };
    const found = look(0, [component("node", "alpha/hub-2", duty)]);
    const components = found.health.components.map((of) =>
      of.name === "alpha/hub" ? { ...of, ...duty } : of,
    );
    const { nodes } = meshMap(
      layout,
      MEMBERS,
      undefined,
      { ...found, health: { ...found.health, components } },
      AT,
    );
    const hubs = nodes.filter(({ role }) => role === "hub");
    expect(hubs.map(({ id, standsBy }) => [id, standsBy])).toEqual([
      ["alpha/hub", true],
      ["alpha/hub-2", false],
      ["far/hub", undefined],
    ]);
  });

  test("has the links from other regions, of several root daemons together", () => {
    const links = (carried: number): ComponentHealth[] => [
      link("region east (root)", carried, { details: { carried, refused: 1, standsBy: false } }),
      link("region east (root-2)", 0, { ready: false, note: "source: away" }),
      link("region south", 0, { ready: false, note: "its root is away" }),
    ];
    const map = meshMap(LAYOUT, MEMBERS, look(0, links(10)), look(2000, links(30)), AT);
    expect(map.regions).toEqual([
      { region: "east", state: "ready", note: "fine", refused: 1, carried: 10 },
      { region: "south", state: "down", note: "its root is away", refused: 0, carried: 0 },
    ]);
    expect(meshMap(LAYOUT, MEMBERS, undefined, look(0, []), AT).regions).toEqual([]);
  });

  test("of a mesh that this machine has joined has what its hub sees", () => {
    const { remote: _, ...rest } = LAYOUT;
    const joined = {
      ...rest,
      joinedTo: "10.0.0.1:7422",
      nodes: LAYOUT.nodes.slice(1),
      servers: [server("alpha")],
    };
    const up = (isPulled: boolean) =>
      meshMap(joined, MEMBERS, undefined, look(0, [], { pending: 4, isPulled }), AT).links;
    expect(up(true)[0]).toMatchObject({ state: "ready", lag: 4 });
    expect(up(false)[0]).toMatchObject({ state: "down" });
    expect(up(true)[1]).toMatchObject({ direction: "down", state: "elsewhere" });
  });
});
