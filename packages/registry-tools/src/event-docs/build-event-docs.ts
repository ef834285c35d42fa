import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { type MeshFile, readMeshFile } from "@adaos/config";
import { compilePolicy, Policy } from "@adaos/core";
import type { LoadedPolicy } from "@adaos/policy";
import { type FileRegistry, loadRegistry } from "@adaos/registry";
import { describeEvents } from "./event-doc.ts";
import type { SiteAssets } from "./pages/html-frame.ts";
import type { PagePlaces } from "./pages/markdown-pages.ts";
import { docFolders, openApiText, planEventDocs } from "./plan-event-docs.ts";
import { compareEventDocs, type DocChanges, writeEventDocs } from "./write-event-docs.ts";

/** Input of the documents. */
export interface EventDocsRequest extends PagePlaces {
  readonly registry: string;
  /** Mesh file whose policy the pages show; undefined: they show none. */
  readonly config: string | undefined;
}

/** Every file of a registry's documents by its path. Rejects with `invalid-config` or `too-large`. */
export async function planDocuments(request: EventDocsRequest): Promise<ReadonlyMap<string, string>> {
  const registry = await loadRegistry(request.registry);
  const loaded = request.config === undefined ? undefined : policyFor(registry, readMeshFile(request.config));
  // A page beside the folder with the folder's name: for `docs/events` it is `events.md`.
  const guide = `${request.output}.md`;
  const places = existsSync(guide) ? { ...request, guide } : request;
  return planEventDocs(await describeEvents(registry, loaded), places, siteAssets());
}

/** The commands of a registry as an OpenAPI document. Rejects with `invalid-config`. */
export async function openApiOf(registry: string): Promise<string> {
  return openApiText(await describeEvents(await loadRegistry(registry), undefined));
}

/**
 * Writes the documents of a registry; with `check` it only compares. Rejects as {@link planDocuments} does, and
 * with `usage`.
 */
export async function buildEventDocs(
  request: EventDocsRequest & { readonly check: boolean },
): Promise<DocChanges & { files: number }> {
  const files = await planDocuments(request);
  const changes = compareEventDocs(files, docFolders(request));
  if (!request.check) writeEventDocs(files, changes);
  return { files: files.size, ...changes };
}

/** The policy of a mesh file for this registry's events; the mesh's registry may be another. */
function policyFor(registry: FileRegistry, meshFile: MeshFile): LoadedPolicy {
  const { events } = registry;
  const rules = compilePolicy(meshFile.mesh, events);
  return { meshFile, registry, events, rules, policy: new Policy(rules) };
}

/** Whether a mesh file uses this registry folder. */
export function isAbout(config: string, registry: string): boolean {
  try {
    return realpathSync(readMeshFile(config).registryDir) === realpathSync(registry);
  } catch {
    // An unreadable mesh file that nobody named is ignored.
    return false;
  }
}

function siteAssets(): SiteAssets {
  const read = (name: string): string => {
    // Resolved by package: this code may be part of a bundle elsewhere.
    return readFileSync(createRequire(import.meta.url).resolve(`@adaos/registry-tools/site/${name}`), "utf8");
  };
  return { style: read("page.css"), script: read("search.js") };
}
