import { readFileSync, statSync } from "node:fs";
import { relative } from "node:path";
import { MeshError, quote } from "@adaos/core";
import { isAlias, isMap, isScalar, LineCounter, parseDocument, visit } from "yaml";
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
  const hidden = hiddenProblems(document);
  if (hidden.length > 0) throw invalid(hidden.map(({ message, offset }) => `${place(offset)} ${message}`));
  const placeOf = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as
        | { range?: [number, number, number] }
        | undefined;
      if (node?.range) return place(node.range[0]);
    }
    return place(0);
  };
  const checked = schema.safeParse(toPlainValue(document, place(0)));
  if (checked.success) return { file, value: checked.data, placeOf };
  const placeOfKey = (path: readonly PropertyKey[]): string => {
    const offset = keyOffset(document, path);
    return offset === undefined ? placeOf(path) : place(offset);
  };
  throw invalid(
    checked.error.issues.flatMap((issue) => {
      if (issue.code === "unrecognized_keys")
        return issue.keys.map((key) => `${placeOfKey([...issue.path, key])} unknown key ${quote(key)}`);
      const where = issue.code === "invalid_key" ? placeOfKey(issue.path) : placeOf(issue.path);
      return [`${where} ${told(issue)}`];
    }),
  );
}

type YamlDocument = ReturnType<typeof parseDocument>;

/** What the parser takes but what would be dropped in silence or refused without its place later. */
function hiddenProblems(document: YamlDocument): { message: string; offset: number }[] {
  const anchors = new Set<string>();
  const problems: { message: string; offset: number }[] = [];
  visit(document, {
    Node(_, node) {
      const offset = node.range?.[0] ?? 0;
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.add(node.anchor);
      } else if (!anchors.has(node.source)) {
        problems.push({ message: `no anchor &${node.source} stands before this alias`, offset });
      }
    },
    Pair(_, { key }) {
      if (!isScalar(key) || key.value !== "__proto__") return;
      problems.push({ message: 'unknown key "__proto__"', offset: key.range?.[0] ?? 0 });
    },
  });
  return problems;
}

/** Where the key itself stands that ends a path. */
function keyOffset(document: YamlDocument, path: readonly PropertyKey[]): number | undefined {
  const map = document.getIn(path.slice(0, -1), true);
  if (!isMap(map)) return undefined;
  const key = map.items
    .map((pair) => pair.key)
    .find((one) => isScalar(one) && String(one.value) === path.at(-1));
  return isScalar(key) ? key.range?.[0] : undefined;
}

function toPlainValue(document: YamlDocument, shown: string): unknown {
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
  // What is wrong with a key stands one level further down.
  const message =
    issue.code === "invalid_key" ? issue.issues.map((inner) => inner.message).join("; ") : issue.message;
  return path === "" ? message : `${path.replace(/^\./, "")}: ${message}`;
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
