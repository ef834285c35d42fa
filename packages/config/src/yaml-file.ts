import { readFileSync, statSync } from "node:fs";
import { relative } from "node:path";
import { MeshError } from "@adaos/core";
import { LineCounter, parseDocument } from "yaml";
import type { z } from "zod";

/** No config file of a mesh comes near this. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_PROBLEMS = 10;

/** A checked file and, for messages of checks that come later, where each of its values stands. */
export interface CheckedFile<T> {
  readonly file: string;
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

/** As {@link readYamlFile}, of text that is at hand. `file` is for messages. */
export function parseYaml<T>(text: string, file: string, schema: z.ZodType<T>): CheckedFile<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    version: "1.2",
  });
  const shown = shownPath(file);
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${shown}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  // A warning is a tag that nobody here understands: it would silently be read as something else.
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) {
    throw invalid(problems.map(({ message, pos }) => `${place(pos[0])} ${message}`));
  }
  const placeOf = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as
        | { range?: [number, number, number] }
        | undefined;
      if (node?.range) return place(node.range[0]);
    }
    return place(0);
  };
  const checked = schema.safeParse(toPlainValue(document, shown));
  if (checked.success) return { file, value: checked.data, placeOf };
  throw invalid(checked.error.issues.map((issue) => `${placeOf(issue.path)} ${told(issue)}`));
}

function toPlainValue(document: ReturnType<typeof parseDocument>, shown: string): unknown {
  try {
    // Few aliases are of use in a config; thousands are an attack.
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", shown);
  }
}

function told(issue: z.core.$ZodIssue): string {
  const path = issue.path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
    .join("");
  return path === "" ? issue.message : `${path.replace(/^\./, "")}: ${issue.message}`;
}

function invalid(problems: readonly string[]): MeshError {
  const more = problems.length > MAX_PROBLEMS ? [`and ${problems.length - MAX_PROBLEMS} more`] : [];
  return new MeshError("invalid-config", [...problems.slice(0, MAX_PROBLEMS), ...more].join("\n"));
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

/** A path as its reader would type it. */
function shownPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near === "" || near.startsWith("..") ? file : near;
}
