import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { MAX_FILE_BYTES, type Place, readYamlTree, type YamlTree } from "@adaos/config";
import { messageOf, nearest } from "@adaos/core/wire";
import type { PlacedRecord } from "@adaos/registry";
import type { Findings } from "./findings.ts";
import { lintManifest } from "./lint-manifest.ts";
import { lintManifestSchemas } from "./lint-manifest-schemas.ts";
import { successorOf } from "./lint-records.ts";
import { readManifest } from "./manifest.ts";
import type { LintSubject } from "./read-subject.ts";

/** `nlp.intent.detected@1` */
const REF = /^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+@[1-9][0-9]{0,3}$/;

/**
 * Checks the events in skills, scenarios and other YAML or JSON files. Manifests are read by their sections. In
 * other files each text of the form `name@version` must be an event of the registry, and should not be deprecated.
 */
export async function lintUses(
  files: readonly string[],
  byRef: ReadonlyMap<string, PlacedRecord>,
  subject: LintSubject,
  findings: Findings,
): Promise<void> {
  for (const file of files) {
    const path = resolve(file);
    const text = await readUse(path, findings);
    if (text === undefined) continue;
    const { tree, problems } = readYamlTree(text);
    for (const { message, place } of problems) findings.add("file-unread", path, place, message);
    if (tree === undefined) continue;
    const manifest = readManifest(path, tree);
    if (manifest !== undefined) {
      lintManifest(manifest, tree, byRef, (rule, place, message, suggestion) =>
        findings.add(rule, path, place, message, suggestion),
      );
      await lintManifestSchemas(path, manifest, tree, byRef, subject, findings);
    }
    lintTexts(path, tree, new Set(manifest?.uses.map((use) => use.path.join("\n"))), byRef, findings);
  }
}

/** @param read Paths of texts that are checked elsewhere. */
function lintTexts(
  file: string,
  tree: YamlTree,
  read: ReadonlySet<string>,
  byRef: ReadonlyMap<string, PlacedRecord>,
  findings: Findings,
): void {
  for (const [at, ref] of textsIn(tree.value, [])) {
    if (!REF.test(ref) || read.has(at.join("\n"))) continue;
    const used = byRef.get(ref);
    const place = (): Place => tree.placeOf(at);
    if (used === undefined) {
      findings.add("use-unknown", file, place, `the registry has no ${ref}`, nearest(ref, [...byRef.keys()]));
    } else if (used.record.status === "deprecated") {
      const told = `${ref} is deprecated`;
      findings.add("deprecated-in-use", file, place, told, successorOf(used.record, byRef));
    }
  }
}

async function readUse(path: string, findings: Findings): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size <= MAX_FILE_BYTES) return await readFile(path, "utf8");
    findings.addToFile("file-unread", path, `is ${size} bytes, the limit is ${MAX_FILE_BYTES}`);
  } catch (thrown) {
    findings.addToFile("file-missing", path, `cannot be read: ${messageOf(thrown)}`);
  }
  return undefined;
}

function* textsIn(
  value: unknown,
  path: readonly PropertyKey[],
): Generator<readonly [path: readonly PropertyKey[], text: string]> {
  if (typeof value === "string") yield [path, value];
  else if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* textsIn(item, [...path, i]);
  else if (typeof value === "object" && value !== null) {
    for (const [key, held] of Object.entries(value)) yield* textsIn(held, [...path, key]);
  }
}
