import { createHash } from "node:crypto";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { z } from "zod";
import type { FileRegistry } from "../file-registry.ts";
import { folderFiles, openFolder, type RegistryFiles } from "../files.ts";
import { readProven, readRegistry } from "../load.ts";
import type { RegistryProof } from "../proof.ts";

/** Larger than any one mesh should need; a larger registry works in its folder, but is not served. */
export const MAX_BUNDLE_BYTES: number = 8 * 1024 * 1024;

/** A registry as one document: all its files, so that every node reads it by the same rules as a folder. */
export interface RegistryBundle {
  readonly registry: FileRegistry;
  readonly bytes: Uint8Array;
  /** sha-256 in hex of `bytes`. It identifies the text; {@link FileRegistry.hash} identifies the meaning. */
  readonly digest: string;
}

const documentSchema = z.strictObject({
  bundle: z.literal(1),
  files: z.record(z.string().max(300), z.string()),
});

/**
 * Reads a registry folder and bundles its files. Rejects with `invalid-config` as `loadRegistry()` does, and for a
 * registry above the limit of bundles.
 */
export async function bundleFolder(dir: string): Promise<RegistryBundle> {
  const bundle = await bundled(dir, readRegistry);
  if (bundle === undefined) throw new MeshError("internal", `${dir} was not read`);
  return bundle;
}

/** The bundle of a folder whose texts the proof covers, read without further checks; else undefined. */
export function provenBundle(dir: string, proof: RegistryProof): Promise<RegistryBundle | undefined> {
  return bundled(dir, (files) => readProven(files, proof));
}

async function bundled(
  dir: string,
  readFiles: (files: RegistryFiles) => Promise<FileRegistry | undefined>,
): Promise<RegistryBundle | undefined> {
  const folder = folderFiles(await openFolder(dir));
  const texts = new Map<string, string>();
  const registry = await readFiles({
    dir,
    read: async (path, maxBytes, namedAt) => {
      const text = await folder.read(path, maxBytes, namedAt);
      texts.set(path, text);
      return text;
    },
  });
  if (registry === undefined) return undefined;
  const files = Object.fromEntries([...texts].sort(([a], [b]) => (a < b ? -1 : 1)));
  const bytes = new TextEncoder().encode(`${JSON.stringify({ bundle: 1, files })}\n`);
  assertSize(bytes, dir);
  return { registry, bytes, digest: digestOf(bytes) };
}

/**
 * Reads a bundle by the rules of a folder: the same limits, patterns and references.
 * @param origin Its source, for messages.
 * Rejects with `invalid-config`.
 */
export async function parseBundle(
  bytes: Uint8Array,
  origin: string,
  proof?: RegistryProof,
): Promise<RegistryBundle> {
  assertSize(bytes, origin);
  let files: Readonly<Record<string, string>>;
  try {
    ({ files } = documentSchema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))));
  } catch (cause) {
    throw new MeshError("invalid-config", `${origin}: not a registry bundle: ${messageOf(cause)}`, { cause });
  }
  return { registry: await readRegistry({ ...bundledFiles(files, origin), proof }), bytes, digest: digestOf(bytes) };
}

function bundledFiles(files: Readonly<Record<string, string>>, origin: string): RegistryFiles {
  return {
    dir: origin,
    read: async (path, maxBytes, namedAt) => {
      const text = Object.hasOwn(files, path) ? files[path] : undefined;
      if (text === undefined)
        throw new MeshError("invalid-config", `${namedAt}: ${join(origin, path)} does not exist`);
      const bytes = Buffer.byteLength(text);
      if (bytes <= maxBytes) return text;
      const told = `is ${bytes} bytes, the limit is ${maxBytes}`;
      throw new MeshError("invalid-config", `${namedAt}: ${join(origin, path)} ${told}`);
    },
  };
}

function assertSize(bytes: Uint8Array, origin: string): void {
  if (bytes.length <= MAX_BUNDLE_BYTES) return;
  const told = `its registry is ${bytes.length} bytes as one document, the limit is ${MAX_BUNDLE_BYTES}`;
  throw new MeshError("invalid-config", `${origin}: ${told}`);
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
