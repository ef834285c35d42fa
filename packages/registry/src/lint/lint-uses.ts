import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { MAX_FILE_BYTES, readYamlTree } from "@adaos/config";
import { messageOf } from "@adaos/core";
import { nearest } from "../nearest.ts";
import type { PlacedRecord } from "../record.ts";
import type { Findings } from "./findings.ts";
import { successorOf } from "./lint-records.ts";

/** `nlp.intent.detected@1` */
const REF = /^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+@[1-9][0-9]{0,3}$/;

/**
 * What skills, scenarios and other YAML or JSON files name as `name@version`: every text of that form must be an event of
 * the registry, and should be none that is deprecated.
 */
export async function lintUses(
  files: readonly string[],
  byRef: ReadonlyMap<string, PlacedRecord>,
  findings: Findings,
): Promise<void> {
  for (const file of files) {
    const path = resolve(file);
    const text = await readUse(path, findings);
    if (text === undefined) continue;
    const { tree, problems } = readYamlTree(text);
    for (const { message, place } of problems) findings.add("file-unread", path, place, message);
    if (tree === undefined) continue;
    for (const [at, ref] of textsIn(tree.value, [])) {
      if (!REF.test(ref)) continue;
      const used = byRef.get(ref);
      const place = (): { line: number; column: number } => tree.placeOf(at);
      if (used === undefined) {
        findings.add(
          "use-unknown",
          path,
          place,
          `the registry has no ${ref}`,
          nearest(ref, [...byRef.keys()]),
        );
      } else if (used.record.status === "deprecated") {
        const told = `${ref} is deprecated`;
        findings.add("deprecated-in-use", path, place, told, successorOf(used.record, byRef));
      }
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
