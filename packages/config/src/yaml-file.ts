import { readFileSync, statSync } from "node:fs";
import { relative } from "node:path";
import { MeshError, quote } from "@adaos/core";
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  Lexer,
  LineCounter,
  type Pair,
  Parser,
  parseDocument,
  visit,
} from "yaml";
import type { z } from "zod";

/** No config file of a mesh comes near this. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_PROBLEMS = 10;
const MAX_TOLD_LENGTH = 300;
/** Deepest nesting. The parser calls itself, and at the end of the stack the process may die. */
const MAX_DEPTH = 100;
/** Few aliases are of use in a config; thousands are an attack, and each is looked for in the whole file. */
const MAX_ALIASES = 100;

/** A checked file and, for messages of checks that come later, where each of its values stands. */
export interface CheckedFile<T> {
  readonly file: string;
  /** What was checked. */
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

/** As {@link readYamlFile}, of text that is at hand. `file` is for messages. */
export function parseYaml<T>(text: string, file: string, schema: z.ZodType<T>): CheckedFile<T> {
  const lines = new LineCounter();
  const shown = shownPath(file);
  const place = (offset: number): string => placeIn(lines, shown, offset);
  assertShallow(text, shown);
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // The parser compares each key with each; see hiddenProblems().
    uniqueKeys: false,
    // Else !!set, !!omap, !!binary and !!timestamp would make what no JSON text can.
    resolveKnownTags: false,
    version: "1.2",
  });
  // A warning is a tag that nobody here understands: it would silently be read as something else.
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) throw invalid(problems, ({ message, pos }) => `${place(pos[0])} ${message}`);
  const hidden = hiddenProblems(document);
  if (hidden.length > 0) throw invalid(hidden, ({ message, offset }) => `${place(offset)} ${message}`);
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
  if (checked.success) return { file, text, value: checked.data, placeOf };
  const placeOfKey = (path: readonly PropertyKey[]): string => {
    const offset = keyOffset(document, path);
    return offset === undefined ? placeOf(path) : place(offset);
  };
  const found = checked.error.issues.flatMap((issue): { issue: z.core.$ZodIssue; key?: string }[] =>
    issue.code === "unrecognized_keys" ? issue.keys.map((key) => ({ issue, key })) : [{ issue }],
  );
  throw invalid(found, ({ issue, key }) => {
    if (key !== undefined) return `${placeOfKey([...issue.path, key])} unknown key ${quote(key)}`;
    const where = issue.code === "invalid_key" ? placeOfKey(issue.path) : placeOf(issue.path);
    return `${where} ${told(issue)}`;
  });
}

function placeIn(lines: LineCounter, shown: string, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${shown}:${Math.max(1, line)}:${Math.max(1, col)}`;
}

/** Reads without nesting calls, before anything does that would. */
function assertShallow(text: string, shown: string): void {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme)) {
      // What is finished is not looked at.
    }
    if (parser.stack.length > MAX_DEPTH) {
      const place = placeIn(lines, shown, parser.offset);
      throw new MeshError("invalid-config", `${place} nests deeper than ${MAX_DEPTH}`);
    }
  }
}

type YamlDocument = ReturnType<typeof parseDocument>;

interface HiddenProblem {
  readonly message: string;
  readonly offset: number;
}

/** What the parser takes but what would be dropped in silence, or refused without its place later. */
function hiddenProblems(document: YamlDocument): HiddenProblem[] {
  const anchors = new Set<string>();
  let aliases = 0;
  const problems: HiddenProblem[] = [];
  visit(document, {
    Node(_, node) {
      const offset = node.range?.[0] ?? 0;
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.add(node.anchor);
        return undefined;
      }
      if (!anchors.has(node.source)) {
        problems.push({ message: `no anchor &${node.source} stands before this alias`, offset });
      }
      if (++aliases <= MAX_ALIASES) return undefined;
      problems.push({ message: `is one of more than ${MAX_ALIASES} aliases`, offset });
      return visit.BREAK;
    },
    Map(_, { items }) {
      problems.push(...keyProblems(items));
    },
  });
  return problems;
}

function keyProblems(pairs: readonly Pair[]): HiddenProblem[] {
  const known = new Set<string>();
  return pairs.flatMap(({ key }): HiddenProblem[] => {
    // Null is the empty text once it is a key.
    const name = isScalar(key) ? String(key.value ?? "") : undefined;
    const offset = isNode(key) ? (key.range?.[0] ?? 0) : 0;
    if (name === undefined) return [{ message: "a key must be a text", offset }];
    if (name === "__proto__") return [{ message: 'unknown key "__proto__"', offset }];
    if (known.has(name)) return [{ message: `the key ${quote(name)} is not unique`, offset }];
    known.add(name);
    return [];
  });
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
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", shown);
  }
}

function told(issue: z.core.$ZodIssue): string {
  const path = issue.path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${cut(String(step))}`))
    .join("");
  // What is wrong with a key stands one level further down.
  const message = cut(
    issue.code === "invalid_key" ? issue.issues.map((inner) => inner.message).join("; ") : issue.message,
  );
  return path === "" ? message : `${path.replace(/^\./, "")}: ${message}`;
}

/** Names may be of any length, and messages repeat them. */
function cut(text: string): string {
  return text.length > MAX_TOLD_LENGTH ? `${text.slice(0, MAX_TOLD_LENGTH)}...` : text;
}

/** Tells the first problems only: to find a place takes time. */
/** Names every problem, up to ten, and how many more there are. */
export function invalid<T>(problems: readonly T[], tell: (problem: T) => string): MeshError {
  const more = problems.length > MAX_PROBLEMS ? [`and ${problems.length - MAX_PROBLEMS} more`] : [];
  return new MeshError("invalid-config", [...problems.slice(0, MAX_PROBLEMS).map(tell), ...more].join("\n"));
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
