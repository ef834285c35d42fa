import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { shownPath, writeNew } from "@adaos/config";
import { formatEventRef, MeshError, parseEventRef } from "@adaos/core";
import type { FileRegistry } from "@adaos/registry";

/** Writes planned files; one that has come into being meanwhile stays. */
export function writeNewFiles(files: ReadonlyMap<string, string>): void {
  for (const [path, text] of files) {
    mkdirSync(dirname(path), { recursive: true });
    try {
      writeNew(path, text);
    } catch (cause) {
      throw MeshError.from(cause, "usage", `${shownPath(path)} cannot be written`);
    }
  }
}

/** An event as the registry has it, with its version. Throws `unknown-event`. */
export function refOf(registry: FileRegistry, text: string): string {
  const ref = parseEventRef(text);
  const { name, version } = registry.resolve(ref.name, ref.version);
  return formatEventRef(name, version);
}

/** The data of an event's first example. */
export function exampleOf(registry: FileRegistry, text: string): unknown {
  const { name, version = 1 } = parseEventRef(text);
  const [example] = registry.recordOf(name, version).examples;
  return example === undefined ? {} : JSON.parse(readFileSync(join(registry.dir, example), "utf8"));
}
