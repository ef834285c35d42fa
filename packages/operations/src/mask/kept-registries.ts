import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { readNodeFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import type { Layout, NodeLayout } from "@adaos/provision";
import { type FileRegistry, MAX_BUNDLE_BYTES, parseBundle } from "@adaos/registry";

/** Nodes that are looked at, hubs first: what members keep was served by these. */
const MAX_NODES = 64;
/** Different registries that are read. */
const MAX_REGISTRIES = 8;

/**
 * The registries that the nodes of a layout were served last, each once.
 * @param say Called for each registry that cannot be read; it is left out.
 */
export async function keptRegistries(
  { nodes }: Pick<Layout, "nodes">,
  say: (message: string) => void,
): Promise<FileRegistry[]> {
  const hubsFirst = nodes.toSorted((a, b) => Number(b.role === "hub") - Number(a.role === "hub"));
  const digests = new Set<string>();
  const byHash = new Map<string, FileRegistry>();
  for (const node of hubsFirst.slice(0, MAX_NODES)) {
    if (digests.size === MAX_REGISTRIES) break;
    try {
      const kept = readKept(node);
      if (kept === undefined) continue;
      const digest = createHash("sha256").update(kept.bytes).digest("hex");
      if (digests.has(digest)) continue;
      digests.add(digest);
      const { registry } = await parseBundle(kept.bytes, kept.file);
      byHash.set(registry.hash, registry);
    } catch (thrown) {
      say(`the registry that ${node.id} was served is left out of masking: ${messageOf(thrown)}`);
    }
  }
  return [...byHash.values()];
}

/** Undefined for a node that keeps no registry, or has not been served one. */
function readKept({
  role,
  nodeFile,
}: NodeLayout): { readonly file: string; readonly bytes: Uint8Array } | undefined {
  if (role === "root") return undefined;
  const { config, path } = readNodeFile(nodeFile, role);
  if (config.registryCache === undefined) return undefined;
  const file = path(config.registryCache);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isFile() && stat.size <= MAX_BUNDLE_BYTES) return { file, bytes: readFileSync(file) };
  throw new MeshError("invalid-config", `${file} is no file of at most ${MAX_BUNDLE_BYTES} bytes`);
}
