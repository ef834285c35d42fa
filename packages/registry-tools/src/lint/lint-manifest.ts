import { dirname, resolve } from "node:path";
import type { Place, YamlTree } from "@adaos/config";
import { type EventPattern, MeshError, parseEventPattern, patternMatches } from "@adaos/core";
import { nearest, quote } from "@adaos/core/wire";
import type { EventRecord, PlacedRecord } from "@adaos/registry";
import { successorOf } from "./lint-records.ts";
import type { Manifest, ManifestUse } from "./manifest.ts";
import type { LintRule } from "./rules.ts";

/** Reports a problem of a manifest. */
export type TellManifest = (rule: LintRule, place: () => Place, message: string, suggestion?: string) => void;

/** Checks the events that a manifest names, alone and against the records of a registry. Pure. */
export function lintManifest(
  { uses, problems }: Manifest,
  tree: YamlTree,
  byRef: ReadonlyMap<string, PlacedRecord>,
  tell: TellManifest,
): void {
  for (const { message, place } of problems) tell("manifest-form", place, message);
  for (const use of uses) {
    const place = (): Place => (use.role === "schema" ? tree.placeOfKey(use.path) : tree.placeOf(use.path));
    const pattern = patternOf(use, (message) => tell("use-form", place, message));
    if (pattern === undefined) continue;
    lintPattern(use, pattern, byRef, (rule, message, suggestion) => tell(rule, place, message, suggestion));
  }
}

function patternOf({ role, text }: ManifestUse, tell: (message: string) => void): EventPattern | undefined {
  let pattern: EventPattern;
  try {
    pattern = parseEventPattern(text);
  } catch (thrown) {
    if (!(thrown instanceof MeshError)) throw thrown;
    tell(thrown.message);
    return undefined;
  }
  const isOne = pattern.kind === "name";
  if (role === "schema" && pattern.version === undefined)
    tell(`${quote(text)} must be one event with its version, as ui.notify@1`);
  else if (role === "effect" && !isOne)
    tell(`${quote(text)} is many events; an effect publishes one, as ui.notify@1`);
  else return pattern;
  return undefined;
}

function lintPattern(
  { role, text }: ManifestUse,
  pattern: EventPattern,
  byRef: ReadonlyMap<string, PlacedRecord>,
  tell: (rule: LintRule, message: string, suggestion?: string) => void,
): void {
  const records = [...byRef.values()].map(({ record }) => record);
  const meant = records.filter(({ name, version }) => patternMatches(pattern, name, version));
  const [first] = meant;
  if (first === undefined) {
    const told =
      pattern.kind === "name"
        ? `the registry has no ${text}`
        : `no event of the registry begins with ${text}`;
    tell("use-unknown", told, meantBy(pattern, records, byRef));
    return;
  }
  // A prefix may match new events as well as old ones.
  if (pattern.kind === "name" && meant.every(({ status }) => status === "deprecated"))
    tell("deprecated-in-use", `${text} is deprecated`, successorOf(first, byRef));
  const isPublished = role === "publish" || role === "effect";
  if (!isPublished || pattern.kind !== "name" || pattern.version !== undefined) return;
  if (meant.every(({ status }) => status === "draft"))
    tell(
      "use-unknown",
      `${text} is a draft; who publishes one must name its version`,
      `${text}@${first.version}`,
    );
}

/** The likely intended event of a pattern that matches none. */
function meantBy(
  pattern: EventPattern,
  records: readonly EventRecord[],
  byRef: ReadonlyMap<string, PlacedRecord>,
): string | undefined {
  if (pattern.kind === "prefix") {
    const prefixes = records.flatMap(({ name }) => {
      const tokens = name.split(".");
      return tokens.slice(1).map((_, i) => `${tokens.slice(0, i + 1).join(".")}.`);
    });
    return nearest(pattern.stem, [...new Set(prefixes)]);
  }
  if (pattern.version === undefined)
    return nearest(pattern.stem, [...new Set(records.map(({ name }) => name))]);
  const versions = records.filter(({ name }) => name === pattern.stem).map(({ version }) => version);
  return versions.length === 0
    ? nearest(pattern.text, [...byRef.keys()])
    : `${pattern.stem}@${Math.max(...versions)}`;
}

/** The folder of a manifest's schemas. */
export function schemasFolder(file: string, { schemasFrom }: Manifest): string {
  return resolve(dirname(file), schemasFrom ?? ".");
}
