import { declaredTimers, type MeshFile } from "@adaos/config";
import { compilePolicy, MeshError, Metrics, Policy, type PolicyRule, type SchemaRegistry } from "@adaos/core";
import { type MetricsStore, type NodeAddress, parseNodeAddress, RateLimits, rulesOf } from "@adaos/core/wire";
import { loadRegistry } from "@adaos/registry";
import { LocalMesh, LocalTransport } from "@adaos/transport-local";
import { MemberBus, type MemberBusOptions } from "./member-bus.ts";

/** One mesh for each mesh file: all programs in this process that connect by the file share it. */
const meshes = new Map<string, LocalMesh>();

type LocalBusOptions = Pick<MemberBusOptions, "log" | "component" | "onClosed" | "history"> & {
  /** @default the mesh file's setting */
  readonly counts?: boolean | undefined;
};

/** The counts end with the process, like everything else of such a mesh: `bus.metrics()` returns them. */
const NO_STORE: MetricsStore = { storeMetrics: async () => undefined };

/** The bus of a member of a mesh that lives in this process. Rejects with `usage` or `invalid-config`. */
export async function openLocalBus(
  meshFile: MeshFile,
  address: NodeAddress,
  { counts = meshFile.enableMetrics, ...options }: LocalBusOptions,
): Promise<MemberBus> {
  const { file, mesh, registryDir } = meshFile;
  const { subnet, node } = address;
  const declared = mesh.subnets.get(subnet);
  if (declared?.members.has(node) !== true) {
    throw new MeshError("usage", `the mesh of ${file} has no member ${subnet}/${node}`);
  }
  const registry = await loadRegistry(registryDir);
  const rules = compilePolicy(mesh, registry.events);
  const local = meshes.get(file) ?? (await newMesh(meshFile, rules, registry));
  meshes.set(file, local);
  const broker = local.broker(subnet);
  if (broker === undefined) throw new MeshError("internal", `no broker for ${subnet}; ${file} has changed`);
  return new MemberBus({
    ...options,
    ...(counts ? { metrics: new Metrics(`${subnet}/${node}`, "local", NO_STORE, options.log) } : {}),
    address,
    transport: new LocalTransport(broker, { node }),
    ...local.node(subnet, node),
    registry,
    tenant: declared.tenant,
    limits: new RateLimits(`${subnet}/${node}`, declared.members.get(node)?.limits ?? []),
    policy: new Policy(rulesOf(rules, subnet, node)),
  });
}

async function newMesh(
  meshFile: MeshFile,
  rules: readonly PolicyRule[],
  registry: SchemaRegistry,
): Promise<LocalMesh> {
  const local = new LocalMesh(meshFile.mesh, rules);
  for (const [member, timers] of declaredTimers(meshFile, registry)) {
    const { subnet, node } = parseNodeAddress(member);
    for (const timer of timers) await local.broker(subnet)?.timers.declare(node, timer);
  }
  return local;
}
