import { type MeshFile, readMeshFile } from "@adaos/config";
import { compilePolicy, type KnownEvent, Policy, type PolicyRule } from "@adaos/core";
import { type FileRegistry, loadRegistry } from "@adaos/registry";

/** A mesh file's policy and what it is compiled with. */
export interface LoadedPolicy {
  readonly meshFile: MeshFile;
  readonly registry: FileRegistry;
  readonly events: readonly KnownEvent[];
  readonly rules: readonly PolicyRule[];
  readonly policy: Policy;
}

/** Reads a mesh file and its registry, and compiles its policy. Rejects with `invalid-config`. */
export function loadPolicy(file: string): Promise<LoadedPolicy> {
  return policyOf(readMeshFile(file));
}

/** As {@link loadPolicy}, of a mesh file that is read. */
export async function policyOf(meshFile: MeshFile): Promise<LoadedPolicy> {
  const registry = await loadRegistry(meshFile.registryDir);
  const events = registry.records;
  const rules = compilePolicy(meshFile.mesh, events);
  return { meshFile, registry, events, rules, policy: new Policy(rules) };
}
