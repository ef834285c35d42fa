import { existsSync, readFileSync } from "node:fs";
import { registryApprovalFile, registryInForceFile, writeWhole, writeWholeSynced } from "@adaos/config";
import { MeshError } from "@adaos/core";
import type { Layout } from "@adaos/provision";
import { shortHash } from "@adaos/registry";
import type { FolderJudgement, ServedRegistry } from "@adaos/registry-tools";
import { isNodeRunning, untilNone } from "./apply/in-force.ts";
import { askHealth, type ComponentHealth } from "./status/health.ts";

/** The root looks once a second, hubs learn of it within another, members ask every two. */
const IN_FORCE_LIMIT_MS = 30_000;
const POLL_MS = 100;

/** Judges the registry's folder against the registry in force, as the root does. */
export async function judgeRegistry(
  { registryDir }: Pick<Layout, "registryDir">,
  stateDir: string,
): Promise<FolderJudgement> {
  const { judgeFolder } = await import("@adaos/registry-tools");
  const file = registryInForceFile(stateDir);
  return judgeFolder(registryDir, existsSync(file) ? readFileSync(file) : undefined);
}

/**
 * Puts the first registry of a mesh in force before the mesh starts, if lint finds nothing wrong: the root would offer
 * no other. Rejects with `invalid-config`.
 */
export async function beginRegistry(registryDir: string, stateDir: string): Promise<void> {
  if (existsSync(registryInForceFile(stateDir))) return;
  const { found } = await judgeRegistry({ registryDir }, stateDir);
  if (found.kind === "broken") throw new MeshError("invalid-config", found.reason);
  const [first, ...more] = found.faults;
  if (first === undefined)
    return await writeWholeSynced(registryInForceFile(stateDir), found.candidate.bytes);
  const others = more.length === 0 ? "" : `\nand ${more.length} more: adaos events registry lint`;
  throw new MeshError(
    "invalid-config",
    `the registry in ${registryDir} is not fit to be served: ${first.at} ${first.rule}: ${first.told}${others}`,
  );
}

/** Lets the root put the registry of this digest in force; the root itself judges it once more. */
export function approveRegistry(digest: string, stateDir: string): void {
  writeWhole(registryApprovalFile(stateDir), digest);
}

/**
 * Waits until this registry is in force at every root daemon, hub and member that runs here, and at the hubs of other
 * machines. Resolves with the milliseconds that took. Rejects with `timeout`, naming those that have another one, with
 * the reason.
 */
export async function untilRegistryInForce(
  wanted: Pick<ServedRegistry, "registry" | "digest">,
  layout: Layout,
  stateDir: string,
): Promise<number> {
  const startMs = performance.now();
  await untilNone("not in force everywhere", IN_FORCE_LIMIT_MS, POLL_MS, async () => {
    const { components } = await askHealth(layout, stateDir);
    const nodes = components.filter(({ kind }) => kind === "node");
    return layout.nodes.flatMap(({ id, role }) => {
      const node = nodes.find(({ name }) => name === id);
      if (node === undefined || !isNodeRunning(id, stateDir)) return [];
      if (role === "root") return rootLacks(node, wanted, layout);
      const key = role === "hub" ? "hash" : "hub";
      return partOf(node, "registry")[key] === wanted.registry.hash ? [] : [toldBy(node)];
    });
  });
  return Math.round(performance.now() - startMs);
}

/** Why it is not in force at a root daemon, or at hubs of other machines to which this daemon offers it. */
function rootLacks(
  root: ComponentHealth,
  { registry: { hash }, digest }: Pick<ServedRegistry, "registry" | "digest">,
  { remote = [], nodes }: Layout,
): string[] {
  const told = partOf(root, "registry");
  if (told["digest"] !== digest) {
    if (told["refused"] === digest) throw new MeshError("invalid-config", toldBy(root));
    return [`${toldBy(root)}; wanted is ${shortHash(hash)}`];
  }
  // With several root daemons, a hub listens to one of them.
  if (nodes.filter(({ role }) => role === "root").length > 1) return [];
  const offers = partOf(root, "registry offers");
  return remote.flatMap((subnet) => {
    const said = offers[subnet];
    return said === "has it" || said === undefined ? [] : [`hub of ${subnet}: ${String(said)}`];
  });
}

function partOf({ details = {} }: ComponentHealth, part: string): Readonly<Record<string, unknown>> {
  return (details[part] ?? {}) as Readonly<Record<string, unknown>>;
}

function toldBy({ name, note }: ComponentHealth): string {
  return `${name}: ${note}`;
}
