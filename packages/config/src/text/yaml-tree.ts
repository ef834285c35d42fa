import { messageOf, nearest, quote, repeatedKey } from "@adaos/core/wire";
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

const MAX_TOLD_LENGTH = 300;
/** Deepest nesting. The parser is recursive, and a stack overflow may kill the process. */
const MAX_DEPTH = 100;
/** A config needs few aliases; thousands are an attack, since each is searched in the whole file. */
const MAX_ALIASES = 100;

/** A place in a text; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A problem of a YAML text. Finding its place takes time: ask only for reported problems. */
export interface YamlProblem {
  readonly message: string;
  place(): Place;
}

/** A readable YAML text: its value, and the places in it. */
export interface YamlTree {
  readonly value: unknown;
  /** Place of the value at this path, or of the nearest one that exists. */
  placeOf(path: readonly PropertyKey[]): Place;
  /** Place of the path's last key, else as {@link placeOf}. */
  placeOfKey(path: readonly PropertyKey[]): Place;
}

/** A parsed text, or its problems. */
interface ReadTree {
  readonly tree?: YamlTree;
  readonly problems: readonly YamlProblem[];
}

/** Reads YAML or JSON. Pure. Returns no tree where there is a problem: the value would not be the intended one. */
export function readYamlTree(text: string): ReadTree {
  const json = readPlainJson(text);
  if (json === undefined) return readAnyYaml(text);
  const origin: Place = { line: 1, column: 1 };
  let places: YamlTree | undefined;
  // Places need the slow reader; most files are valid, and nobody asks for places.
  const withPlaces = (): YamlTree | undefined => {
    places ??= readAnyYaml(text).tree;
    return places;
  };
  const placeOf = (path: readonly PropertyKey[]): Place => withPlaces()?.placeOf(path) ?? origin;
  const placeOfKey = (path: readonly PropertyKey[]): Place => withPlaces()?.placeOfKey(path) ?? origin;
  return { tree: { value: json.value, placeOf, placeOfKey }, problems: [] };
}

/**
 * The value of a JSON text, as programs write node files: read a hundred times faster than YAML. Undefined for
 * other texts, and where the slow reader would refuse with a place.
 */
function readPlainJson(text: string): { readonly value: unknown } | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isPlain(value, MAX_DEPTH - 1) && repeatedKey(text) === undefined ? { value } : undefined;
  } catch {
    return undefined;
  }
}

function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0 || Object.hasOwn(value, "__proto__")) return false;
  return Object.values(value).every((inner) => isPlain(inner, depth - 1));
}

function readAnyYaml(text: string): ReadTree {
  const lines = new LineCounter();
  const place = (offset: number): Place => placeIn(lines, offset);
  const deep = tooDeep(text);
  if (deep !== undefined) return { problems: [deep] };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // The parser would compare each key with each; see hiddenProblems().
    uniqueKeys: false,
    // Else !!set, !!omap, !!binary and !!timestamp would create values that JSON does not have.
    resolveKnownTags: false,
    version: "1.2",
  });
  // A warning is about an unknown tag, which would silently be read as another value.
  const loud = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    message,
    offset: pos[0],
  }));
  const found = loud.length > 0 ? loud : hiddenProblems(document);
  if (found.length > 0) {
    return { problems: found.map(({ message, offset }) => ({ message, place: () => place(offset) })) };
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (thrown) {
    return { problems: [{ message: messageOf(thrown), place: () => place(0) }] };
  }
  const placeOf = (path: readonly PropertyKey[]): Place => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as
        | { range?: [number, number, number] }
        | undefined;
      if (node?.range) return place(node.range[0]);
    }
    return place(0);
  };
  const placeOfKey = (path: readonly PropertyKey[]): Place => {
    const offset = keyOffset(document, path);
    return offset === undefined ? placeOf(path) : place(offset);
  };
  return { tree: { value, placeOf, placeOfKey }, problems: [] };
}

/**
 * The problems that a schema found in a value of a tree, each with its place. Pure.
 * @param at Path of the value in the tree.
 */
export function schemaProblems(
  tree: YamlTree,
  { issues }: Pick<z.ZodError, "issues">,
  at: readonly PropertyKey[] = [],
): YamlProblem[] {
  const { placeOf, placeOfKey } = tree;
  return issues.flatMap((issue): YamlProblem[] => {
    const path = [...at, ...issue.path];
    // Of several forms that a value may have, the one that fits but for an inner value is the intended form.
    const [meant, ...others] = issue.code === "invalid_union" ? issue.errors.filter(isWithin) : [];
    if (meant !== undefined && others.length === 0) {
      const within = meant.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
      return schemaProblems(tree, { issues: within }, at);
    }
    if (issue.code === "unrecognized_keys") {
      const hints = hintsOf(issue.message);
      return issue.keys.map((key, i) => ({
        message: `unknown key ${quote(key)}${hints[i] ?? ""}`,
        place: () => placeOfKey([...path, key]),
      }));
    }
    const place = issue.code === "invalid_key" ? placeOfKey : placeOf;
    return [{ message: issueText(issue), place: () => place(path) }];
  });
}

const HINTED = "unknown keys:";
const MAX_KNOWN = 15;

/** For `error` of a strict object: an unknown key is then reported with the known key that is nearest to it. Pure. */
export function unknownKeysHint(keys: readonly string[], known: readonly string[]): string {
  const hints = keys.map((key) => {
    const meant = meantKey(key, known);
    if (meant !== undefined) return `; did you mean ${meant}?`;
    return known.length > MAX_KNOWN ? "" : `; known are ${known.join(", ")}`;
  });
  return [HINTED, ...hints].join("\n");
}

/** The known key that a misspelt one means: few edits, or the same letters in another order. Pure. */
export function meantKey(key: string, known: readonly string[]): string | undefined {
  const letters = (text: string): string => [...text].sort().join("");
  return nearest(key, known) ?? known.find((one) => letters(one) === letters(key));
}

function hintsOf(message: string): string[] {
  const [first, ...hints] = message.split("\n");
  return first === HINTED ? hints : [];
}

function isWithin(issues: readonly z.core.$ZodIssue[]): boolean {
  return (
    issues.length > 0 && issues.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys")
  );
}

function placeIn(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** Scans without recursion, before anything recursive runs. */
function tooDeep(text: string): YamlProblem | undefined {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme)) {
      // Closed collections are ignored.
    }
    if (parser.stack.length > MAX_DEPTH) {
      const { offset } = parser;
      return { message: `nests deeper than ${MAX_DEPTH}`, place: () => placeIn(lines, offset) };
    }
  }
  return undefined;
}

type YamlDocument = ReturnType<typeof parseDocument>;

interface HiddenProblem {
  readonly message: string;
  readonly offset: number;
}

/** Problems that the parser accepts, but that would be dropped silently, or refused without a place later. */
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
    // A null key becomes the empty text.
    const name = isScalar(key) ? String(key.value ?? "") : undefined;
    const offset = isNode(key) ? (key.range?.[0] ?? 0) : 0;
    if (name === undefined) return [{ message: "a key must be a text", offset }];
    if (name === "__proto__") return [{ message: 'unknown key "__proto__"', offset }];
    if (known.has(name)) return [{ message: `the key ${quote(name)} is not unique`, offset }];
    known.add(name);
    return [];
  });
}

/** Offset of the key that ends a path. */
function keyOffset(document: YamlDocument, path: readonly PropertyKey[]): number | undefined {
  const map = document.getIn(path.slice(0, -1), true);
  if (!isMap(map)) return undefined;
  const key = map.items
    .map((pair) => pair.key)
    .find((one) => isScalar(one) && String(one.value) === path.at(-1));
  return isScalar(key) ? key.range?.[0] : undefined;
}

function issueText(issue: z.core.$ZodIssue): string {
  const path = issue.path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${cut(String(step))}`))
    .join("");
  // The problem of a key is one level further down.
  const message = cut(
    issue.code === "invalid_key" ? issue.issues.map((inner) => inner.message).join("; ") : issue.message,
  );
  return path === "" ? message : `${path.replace(/^\./, "")}: ${message}`;
}

/** Names may have any length, and messages repeat them. */
function cut(text: string): string {
  return text.length > MAX_TOLD_LENGTH ? `${text.slice(0, MAX_TOLD_LENGTH)}...` : text;
}
