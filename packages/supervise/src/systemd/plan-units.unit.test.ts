import type { Layout } from "@adaos/provision";
import { describe, expect, test } from "vitest";
import { planUnits, serviceName, type UnitContext } from "./plan-units.ts";

const server = (of: string) => ({
  ...{ name: `nats-${of}`, of, url: "nats://127.0.0.1:4222", configFile: `/s/servers/${of}.conf` },
  ...{ seedFile: "/s/keys/x.nk", systemSeedFile: "/s/keys/y.nk", stream: "EVENTS" },
});
const node = (id: string, role: "root" | "hub" | "member") => ({ id, role, nodeFile: `/s/nodes/${id}.json` });
const LAYOUT: Layout = {
  ...{ mesh: "demo", configFile: "/etc/mesh.yaml", registryDir: "/r", ports: {} },
  servers: [server("root"), server("alpha")],
  nodes: [node("root", "root"), node("alpha/hub", "hub"), node("alpha/kitchen", "member")],
};
const CONTEXT: UnitContext = {
  ...{ stateDir: "/s", layout: LAYOUT, scope: "system", supervisor: false },
  ...{ node: "/usr/bin/node", adaos: "/opt/adaos.mjs", natsServer: "/opt/nats-server" },
  ...{ user: { name: "adaos", group: "adaos" }, usesHome: false, usesTmp: false, credentials: new Map() },
};

function unitsOf(changes: Partial<UnitContext> = {}): Map<string, string> {
  return new Map(planUnits({ ...CONTEXT, ...changes }).map(({ name, text }) => [name, text]));
}

/** The values of a setting, in their order. */
function valuesOf(text: string | undefined, key: string): string[] {
  return (text ?? "")
    .split("\n")
    .flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
}

describe("planUnits()", () => {
  test("makes a unit for each server and daemon, and a target that wants them", () => {
    const units = unitsOf();
    const services = [...units.keys()].filter((name) => name.endsWith(".service"));
    expect(services).toEqual([
      "adaos-demo-nats-root.service",
      "adaos-demo-nats-alpha.service",
      "adaos-demo-root.service",
      "adaos-demo-alpha_hub.service",
      "adaos-demo-alpha_kitchen.service",
    ]);
    expect(valuesOf(units.get("adaos-demo.target"), "Wants")).toEqual([services.join(" ")]);
  });

  test.each<Partial<Layout>>([
    { mesh: "demo\nUser=root" },
    { mesh: "../../../root/x" },
    { mesh: "%h" },
    { nodes: [node("alpha/../../x", "hub")] },
    { nodes: [node("alpha/hub\n[Service]\nExecStart=/tmp/x", "hub")] },
    { servers: [server("root x")] },
  ])("writes no names of a layout that its owner has changed: %j", (changed) => {
    for (const supervisor of [false, true])
      expect(() => unitsOf({ supervisor, layout: { ...LAYOUT, ...changed } })).toThrow(
        /no unit can be called/,
      );
  });

  test("adds the viewer of a mesh that has one", () => {
    const units = unitsOf({ layout: { ...LAYOUT, viewer: { host: "127.0.0.1", port: 7480 } as never } });
    expect(valuesOf(units.get("adaos-demo-viewer.service"), "ExecStart")[0]).toContain('"view" "serve"');
  });

  test("makes one unit with a supervisor, which adaos down may end", () => {
    const units = unitsOf({ supervisor: true });
    expect([...units.keys()]).toEqual(["adaos-demo-supervisor.service", "adaos-demo.target"]);
    const text = units.get("adaos-demo-supervisor.service");
    expect(valuesOf(text, "Restart")).toEqual(["on-failure"]);
    expect(valuesOf(text, "ExecStart")[0]).toContain('"up" "--config" "/etc/mesh.yaml" "--state" "/s"');
  });

  test("stops a member before its hub, the hub before its server; nothing waits for the root", () => {
    const units = unitsOf();
    const after = (name: string) => valuesOf(units.get(name), "After")[0];
    expect(after("adaos-demo-alpha_kitchen.service")).toBe(
      "network.target adaos-demo-nats-alpha.service adaos-demo-alpha_hub.service",
    );
    expect(after("adaos-demo-alpha_hub.service")).toBe("network.target adaos-demo-nats-alpha.service");
    expect(after("adaos-demo-root.service")).toBe("network.target adaos-demo-nats-root.service");
  });

  test("gives daemons more time to stop than they take", () => {
    const text = unitsOf().get("adaos-demo-alpha_kitchen.service");
    expect(Number(valuesOf(text, "TimeoutStopSec")[0])).toBeGreaterThan(15);
    expect(valuesOf(text, "KillMode")).toEqual(["mixed"]);
    expect(valuesOf(text, "Type")).toEqual(["notify"]);
  });

  test("hands a member its keys, and hides all keys and stores from it", () => {
    const given = [{ name: "alpha_members_kitchen.nk", file: "/s/keys/alpha/members/kitchen.nk" }];
    const units = unitsOf({ credentials: new Map([["alpha/kitchen", given]]) });
    const text = units.get("adaos-demo-alpha_kitchen.service");
    expect(valuesOf(text, "LoadCredential")).toEqual([`${given[0]?.name}:${given[0]?.file}`]);
    expect(valuesOf(text, "InaccessiblePaths")).toEqual(['-"/s/keys" -"/s/store"']);
    expect(valuesOf(units.get("adaos-demo-alpha_hub.service"), "InaccessiblePaths")).toEqual([]);
  });

  test("asks of a user's manager nothing that it cannot do", () => {
    const { user: _, ...rest } = CONTEXT;
    const units = new Map(planUnits({ ...rest, scope: "user" }).map(({ name, text }) => [name, text]));
    const text = units.get("adaos-demo-alpha_kitchen.service");
    for (const key of ["User", "ProtectSystem", "CapabilityBoundingSet", "PrivateTmp"])
      expect(valuesOf(text, key)).toEqual([]);
    expect(valuesOf(text, "NoNewPrivileges")).toEqual(["yes"]);
    expect(valuesOf(units.get("adaos-demo.target"), "WantedBy")).toEqual(["default.target"]);
  });

  test("writes a state folder with signs of systemd as it is", () => {
    const stateDir = '/srv/a b%n$HOME"';
    const text = unitsOf({ stateDir }).get("adaos-demo-nats-alpha.service");
    expect(valuesOf(text, "ReadWritePaths")).toEqual(['"/srv/a b%%n$HOME\\""']);
    expect(valuesOf(text, "WorkingDirectory")).toEqual(['/srv/a b%%n$HOME"']);
    expect(valuesOf(text, "ExecStartPre")[0]).toContain('"--state" "/srv/a b%%n$$HOME\\""');
  });

  test("leaves the folders visible in which the files are", () => {
    const text = unitsOf({ usesHome: true, usesTmp: true }).get("adaos-demo-root.service");
    expect(valuesOf(text, "ProtectHome")).toEqual(["read-only"]);
    expect(valuesOf(text, "PrivateTmp")).toEqual(["no"]);
  });
});

describe("serviceName()", () => {
  test("differs for a server and for a member of the same words", () => {
    expect(serviceName(LAYOUT, "nats-alpha")).not.toBe(serviceName(LAYOUT, "nats/alpha"));
  });
});
