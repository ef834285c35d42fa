import { type MeshFile, readMeshFile } from "@adaos/config";
import { compilePolicy, Policy, type PolicyRule } from "@adaos/core";
import { CLEARANCE, type KnownEvent, replyName } from "@adaos/core/wire";
import type { ClassifiedSpot } from "@adaos/json-schema";
import { type FileRegistry, loadRegistry, type RegistryProof } from "@adaos/registry";
import type { Hop } from "./hops.ts";

/** A mesh file's policy and what it is compiled with. */
export interface LoadedPolicy {
  readonly meshFile: MeshFile;
  readonly registry: FileRegistry;
  readonly events: readonly KnownEvent[];
  readonly rules: readonly PolicyRule[];
  readonly policy: Policy;
}

/**
 * Reads a mesh file and its registry, and compiles its policy. Rejects with `invalid-config`.
 * @param proof Saves reading the registry's schemas while they are those of the proof.
 */
export function loadPolicy(file: string, proof?: RegistryProof): Promise<LoadedPolicy> {
  return policyOf(readMeshFile(file), proof);
}

/** As {@link loadPolicy}, for a mesh file that is already read. */
export async function policyOf(meshFile: MeshFile, proof?: RegistryProof): Promise<LoadedPolicy> {
  const registry = await loadRegistry(meshFile.registryDir, proof);
  const { events } = registry;
  const rules = compilePolicy(meshFile.mesh, events);
  return { meshFile, registry, events, rules, policy: new Policy(rules) };
}

/** The place of an answer's rule: in the mesh file, or in the schema with the classification. */
export function placeOfAnswer({ meshFile, registry, events }: LoadedPolicy, hop: Hop): string | undefined {
  const { event, decision } = hop;
  if (decision.rule !== CLEARANCE) return meshFile.placeOfRule(decision.rule);
  return event === undefined ? undefined : guardedSpots({ registry, events }, event)[0]?.place();
}

/** The classified fields of an event's schema, and for a command those of its reply. */
export function guardedSpots(
  { registry, events }: Pick<LoadedPolicy, "registry" | "events">,
  { name, version }: Pick<KnownEvent, "name" | "version">,
): readonly ClassifiedSpot[] {
  return [name, replyName(name)].flatMap((one) => {
    const isKnown = events.some((event) => event.name === one && event.version === version);
    return isKnown ? registry.classifiedSpots(one, version) : [];
  });
}
