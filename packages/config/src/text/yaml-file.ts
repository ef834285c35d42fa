import { readFileSync, statSync } from "node:fs";
import { relative } from "node:path";
import { MeshError } from "@adaos/core";
import type { z } from "zod";
import { type Place, readYamlTree, schemaProblems, type YamlProblem } from "./yaml-tree.ts";

/** Far larger than any config file of a mesh. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_PROBLEMS = 10;

/** A checked file with the places of its values, for the messages of later checks. */
export interface CheckedFile<T> {
  readonly file: string;
  /** The checked text. */
  readonly text: string;
  readonly value: T;
  /** `deploy/mesh.yaml:7:5` of the value at this path, or of the nearest one that exists. */
  placeOf(path: readonly PropertyKey[]): string;
}

/**
 * Reads a YAML or JSON file and checks it. Throws MeshError `invalid-config` that names every problem, up to ten, with
 * its line and column.
 */
export function readYamlFile<T>(file: string, schema: z.ZodType<T>): CheckedFile<T> {
  return parseYaml(readText(file), file, schema);
}

/** As {@link readYamlFile}, for a given text. `file` is for messages. */
export function parseYaml<T>(text: string, file: string, schema: z.ZodType<T>): CheckedFile<T> {
  const shown = shownPath(file);
  const at = ({ line, column }: Place): string => `${shown}:${line}:${column}`;
  const textOf = ({ message, place }: YamlProblem): string => `${at(place())} ${message}`;
  const { tree, problems } = readYamlTree(text);
  if (tree === undefined) throw invalid(problems, textOf);
  const checked = schema.safeParse(tree.value);
  if (!checked.success) throw invalid(schemaProblems(tree, checked.error), textOf);
  return { file, text, value: checked.data, placeOf: (path) => at(tree.placeOf(path)) };
}

/** Lists the first ten problems and counts the others: finding places takes time. */
export function invalid<T>(problems: readonly T[], textOf: (problem: T) => string): MeshError {
  const more = problems.length > MAX_PROBLEMS ? [`and ${problems.length - MAX_PROBLEMS} more`] : [];
  return new MeshError(
    "invalid-config",
    [...problems.slice(0, MAX_PROBLEMS).map(textOf), ...more].join("\n"),
  );
}

function readText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES) {
      throw new MeshError(
        "invalid-config",
        `${shownPath(file)} is ${size} bytes, the limit is ${MAX_FILE_BYTES}`,
      );
    }
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${shownPath(file)} cannot be read`);
  }
}

/** A path as a user would type it. */
export function shownPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near === "" || near.startsWith("..") ? file : near;
}
