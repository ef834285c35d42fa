import type { MeshFile } from "@adaos/config";
import { Bus, type BusOptions, compilePolicy, MeshError, Policy } from "@adaos/core";
import { type NodeAddress, RateLimits, rulesOf } from "@adaos/core/wire";
import { loadRegistry } from "@adaos/registry";
import { LocalMesh, LocalTransport } from "@adaos/transport-local";

/** One for each mesh file: everybody in this process that connects by it meets there. */
const meshes = new Map<string, LocalMesh>();

/** The bus of a member of a mesh that lives in this process. Rejects with `usage` or `invalid-config`. */
export async function openLocalBus(
  { file, mesh, registryDir }: MeshFile,
  address: NodeAddress,
  options: Pick<BusOptions, "log" | "component" | "onClosed">,
): Promise<Bus> {
  const { subnet, node } = address;
  const declared = mesh.subnets.get(subnet);
  if (declared?.members.has(node) !== true) {
    throw new MeshError("usage", `the mesh of ${file} has no member ${subnet}/${node}`);
  }
  const registry = await loadRegistry(registryDir);
  const rules = compilePolicy(mesh, registry.events);
  const local = meshes.get(file) ?? new LocalMesh(mesh, rules);
  meshes.set(file, local);
  const broker = local.broker(subnet);
  if (broker === undefined) throw new MeshError("internal", `no broker for ${subnet}; ${file} has changed`);
  return new Bus({
    ...options,
    address,
    transport: new LocalTransport(broker, { node }),
    ...local.node(subnet, node),
    registry,
    tenant: declared.tenant,
    limits: new RateLimits(`${subnet}/${node}`, declared.members.get(node)?.limits ?? []),
    policy: new Policy(rulesOf(rules, subnet, node)),
  });
}
