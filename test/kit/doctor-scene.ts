import type { Scene } from "@adaos/doctor";
import type { Layout, ServerLayout } from "@adaos/provision";
import type { ComponentHealth } from "@adaos/supervise";

/** A mesh of two subnets, without one of these folders and files. */
export function sceneOf(
  stateDir: string,
  components: readonly ComponentHealth[],
  changed: Partial<Scene> = {},
): Scene {
  return {
    layout: layoutIn(stateDir),
    stateDir,
    meshFile: `${stateDir}/mesh.yaml`,
    nowMs: Date.parse("2026-01-05T09:30:00Z"),
    open: [],
    away: [],
    health: { mesh: "demo", ready: false, components, config: { errors: [] } },
    isDown: false,
    askServers: async () => [],
    ...changed,
  };
}

/** A component as `adaos status` reports it. */
export function component(
  kind: ComponentHealth["kind"],
  name: string,
  told: Partial<ComponentHealth> = {},
): ComponentHealth {
  return { kind, name, ready: true, note: "", ...told };
}

export function layoutIn(stateDir: string): Layout {
  const server = (of: string, port: number): ServerLayout => ({
    name: `nats-${of}`,
    of,
    url: `nats://127.0.0.1:${port}`,
    configFile: `${stateDir}/servers/${of}.conf`,
    seedFile: `${stateDir}/keys/${of}.seed`,
    systemSeedFile: `${stateDir}/keys/${of}-system.seed`,
    stream: of,
  });
  const node = (id: string, role: "root" | "hub" | "member"): Layout["nodes"][number] => ({
    id,
    role,
    nodeFile: `${stateDir}/nodes/${id}.json`,
  });
  return {
    mesh: "demo",
    configFile: `${stateDir}/mesh.yaml`,
    registryDir: `${stateDir}/schemas`,
    ports: { root: { port: 1 }, alpha: { port: 2 }, beta: { port: 3 } },
    servers: [server("root", 1), server("alpha", 2), server("beta", 3)],
    nodes: [
      node("root", "root"),
      node("alpha/hub", "hub"),
      node("alpha/kitchen", "member"),
      node("beta/hub", "hub"),
      node("beta/desk", "member"),
    ],
  };
}
