import { readFileSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { type Place, readYamlTree, schemaProblems, shownPath, type YamlTree } from "@adaos/config";
import { MeshError } from "@adaos/core";
import type { ScenarioDefinition } from "./definition.ts";
import { scenarioForm } from "./form.ts";

/** Each run keeps its scenario's text, and must fit into one message. */
const MAX_FILE_BYTES = 64 * 1024;

/** Something wrong in a scenario, and its place. */
export interface ScenarioProblem {
  readonly severity: "error" | "warning";
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The fault and its remedy. */
  readonly message: string;
}

/** A `scenario.yaml`, with the places of its values. */
export interface ScenarioFile {
  readonly file: string;
  /** Its own `name`, else that of its folder. */
  readonly name: string;
  readonly text: string;
  /** Undefined where the file has problems. */
  readonly definition: ScenarioDefinition | undefined;
  readonly problems: readonly ScenarioProblem[];
  /** A problem at the value of this path, or within its text. */
  problemAt(
    path: readonly PropertyKey[],
    message: string,
    more?: { readonly offset?: number; readonly severity?: "warning"; readonly isKey?: boolean },
  ): ScenarioProblem;
}

/** Reads a `scenario.yaml`. Throws MeshError `invalid-config` where there is no file to read. */
export function readScenario(file: string): ScenarioFile {
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES)
      throw new MeshError(
        "invalid-config",
        `${shownPath(file)} is ${size} bytes, the limit is ${MAX_FILE_BYTES}`,
      );
    return scenarioFile(readFileSync(file, "utf8"), file);
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${shownPath(file)} cannot be read`);
  }
}

/** As {@link readScenario}, for its text. `file` is for messages and the name. Pure. */
export function scenarioFile(text: string, file: string): ScenarioFile {
  const { tree, problems } = readYamlTree(text);
  const shown = shownPath(file);
  const lines = text.split("\n");
  const problemAt: ScenarioFile["problemAt"] = (path, message, more = {}) => {
    const { offset, severity = "error", isKey } = more;
    const place = (isKey === true ? tree?.placeOfKey(path) : tree?.placeOf(path)) ?? { line: 1, column: 1 };
    const at =
      offset === undefined || tree === undefined ? place : placeWithin(lines, place, tree, path, offset);
    return { severity, file: shown, ...at, message };
  };
  const checked = tree === undefined ? undefined : scenarioForm.safeParse(tree.value);
  const found =
    tree === undefined || checked === undefined || checked.success
      ? problems
      : schemaProblems(tree, checked.error);
  const definition = checked?.success === true ? checked.data : undefined;
  return {
    file: shown,
    name: definition?.name ?? basename(dirname(resolve(file))),
    text,
    definition,
    problems: found.map(({ message, place }) => ({ severity: "error", file: shown, ...place(), message })),
    problemAt,
  };
}

/** The place of a character of a text; its beginning where the text spans lines or has escapes. */
function placeWithin(
  lines: readonly string[],
  place: Place,
  tree: YamlTree,
  path: readonly PropertyKey[],
  offset: number,
): Place {
  const text = valueAt(tree.value, path);
  const line = lines[place.line - 1] ?? "";
  const isQuoted = /["']/.test(line[place.column - 1] ?? "");
  const column = place.column + (isQuoted ? 1 : 0);
  const isAsWritten = typeof text === "string" && line.startsWith(text, column - 1);
  return isAsWritten ? { line: place.line, column: column + offset } : place;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Record<PropertyKey, unknown>)[key];
  }
  return found;
}
