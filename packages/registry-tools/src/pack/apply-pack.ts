import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { z } from "zod";

/** In a pack's folder: the list of written files, by which the next run recognises its own. */
export const PACK_MANIFEST = "pack.json";

/** Left by a first run that was killed at once. */
const STAGED_MANIFEST = /^pack\.json\.\w+\.new$/;

/** A pack of 10,000 events has about 80,000 files. */
const MAX_MANIFEST_BYTES = 32 * 1024 * 1024;

const PATH = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const hashes = z.record(z.string().regex(PATH), z.string().regex(/^[0-9a-f]{64}$/));
const manifestSchema = z.strictObject({
  made_by: z.literal("adaos events pack"),
  files: hashes,
  /** While files are written: the earlier hashes. */
  before: hashes.optional(),
});

type Manifest = z.infer<typeof manifestSchema>;

/** Changes that a pack makes in a folder. Paths are relative to it. */
export interface PackChanges {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  /** Files of an earlier run that are no longer in the pack. */
  readonly removed: readonly string[];
  readonly same: readonly string[];
}

/**
 * Compares a pack with its target folder. Writes nothing.
 * @throws MeshError `usage` for a folder that is neither empty nor a pack, and for a file in the way that this
 *   command did not write, or that was changed since.
 */
export function diffPack(dir: string, files: ReadonlyMap<string, string>): PackChanges {
  const made = readManifest(dir);
  const changes = {
    created: [] as string[],
    changed: [] as string[],
    removed: [] as string[],
    same: [] as string[],
  };
  for (const [path, text] of files) {
    const there = hashOf(dir, path);
    if (there === undefined) changes.created.push(path);
    else if (there === digest(text)) changes.same.push(path);
    else {
      assertOurs(dir, path, there, made);
      changes.changed.push(path);
    }
  }
  if (made === undefined && existsSync(dir) && readdirSync(dir).some((name) => !STAGED_MANIFEST.test(name)))
    throw new MeshError("usage", `${dir} holds files and no pack; choose an empty or a new folder`);
  for (const path of new Set([...Object.keys(made?.files ?? {}), ...Object.keys(made?.before ?? {})])) {
    const there = files.has(path) ? undefined : hashOf(dir, path);
    if (there === undefined) continue;
    assertOurs(dir, path, there, made);
    changes.removed.push(path);
  }
  return changes;
}

/**
 * Writes a pack into a folder, and removes files of earlier runs that are no longer in it. After a crash it can be
 * run again.
 * @throws MeshError `usage` as {@link diffPack} does, before anything is written.
 */
export function applyPack(dir: string, files: ReadonlyMap<string, string>): PackChanges {
  const changes = diffPack(dir, files);
  const before = [...changes.changed, ...changes.removed].map((path) => [path, hashOf(dir, path) ?? ""]);
  const manifest: Manifest = {
    made_by: "adaos events pack",
    files: Object.fromEntries([...files].map(([path, text]) => [path, digest(text)] as const).sort()),
  };
  try {
    makeFolder(dir);
    write(dir, PACK_MANIFEST, manifestText({ ...manifest, before: Object.fromEntries(before) }));
    for (const path of [...changes.created, ...changes.changed]) write(dir, path, files.get(path) ?? "");
    for (const path of changes.removed) remove(dir, path);
    write(dir, PACK_MANIFEST, manifestText(manifest));
  } catch (cause) {
    throw MeshError.from(cause, "usage", `${dir} cannot be written`);
  }
  return changes;
}

function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function assertOurs(dir: string, path: string, there: string, made: Manifest | undefined): void {
  const own = (paths: Readonly<Record<string, string>> | undefined): boolean =>
    paths !== undefined && Object.hasOwn(paths, path) && paths[path] === there;
  if (own(made?.files) || own(made?.before)) return;
  const told =
    made === undefined ? "was not made by adaos events pack" : "was made or changed by somebody else";
  throw new MeshError("usage", `${join(dir, path)} ${told}; take it away, or choose another folder`);
}

function readManifest(dir: string): Manifest | undefined {
  const file = join(dir, PACK_MANIFEST);
  if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new MeshError("usage", `${dir} is no folder; choose another one`);
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const refuse = (cause?: unknown): MeshError =>
    new MeshError("usage", `${file} is not of adaos events pack; choose another folder`, { cause });
  if (!stats.isFile() || stats.size > MAX_MANIFEST_BYTES) throw refuse();
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw refuse(cause);
  }
}

/**
 * Digest of a file; undefined where there is none. Throws `usage` for anything else, and for a link on the path.
 */
function hashOf(dir: string, path: string): string | undefined {
  const steps = path.split("/");
  for (let i = 1; i <= steps.length; i++) {
    const way = join(dir, ...steps.slice(0, i));
    const stats = lstatSync(way, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    const isRight = i === steps.length ? stats.isFile() : stats.isDirectory();
    if (!isRight)
      throw new MeshError("usage", `${way} is in the way; take it away, or choose another folder`);
  }
  return digest(readFileSync(join(dir, path)));
}

function digest(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function write(dir: string, path: string, text: string): void {
  writeWhole(join(dir, path), text, 0o644);
}

/** Also removes the folders that become empty. */
function remove(dir: string, path: string): void {
  rmSync(join(dir, path));
  try {
    for (let above = dirname(path); above !== "."; above = dirname(above)) rmdirSync(join(dir, above));
  } catch {
    // Not empty.
  }
}
