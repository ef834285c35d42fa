import { syntaxErrorOffset } from "./json-syntax.ts";
import type { Place } from "./yaml-tree.ts";

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /[^,\]}\s]*/y;

/** The place in a JSON text of the value at a pointer, or of the nearest enclosing value. Takes valid JSON only. */
export function placeInJson(json: string, pointer: string): Place {
  let at = skip(SPACE, json, 0);
  for (const token of pointer.split("/").slice(1)) {
    const inner = childOf(json, at, token.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (inner === undefined) break;
    at = inner;
  }
  return placeAt(json, at);
}

/** Line and column of a character; both count from 1. */
export function placeAt(text: string, offset: number): Place {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0 && end < offset; end = text.indexOf("\n", start)) {
    start = end + 1;
    line++;
  }
  return { line, column: offset - start + 1 };
}

/** The place of the first error in invalid JSON. */
export function placeOfSyntaxError(text: string): Place {
  return placeAt(text, syntaxErrorOffset(text));
}

/** Start and end of each item of a JSON list; nothing for another value. Takes valid JSON only. */
export function* itemsIn(json: string): Generator<{ readonly start: number; readonly end: number }> {
  let at = skip(SPACE, json, 0);
  if (json[at] !== "[") return;
  at = skip(SPACE, json, at + 1);
  while (at < json.length && json[at] !== "]") {
    const end = endOfValue(json, at);
    yield { start: at, end };
    at = skip(SPACE, json, end);
    if (json[at] === ",") at = skip(SPACE, json, at + 1);
  }
}

/** Offset of the value under a key or index, or undefined. */
function childOf(json: string, around: number, token: string): number | undefined {
  const isObject = json[around] === "{";
  if (!isObject && json[around] !== "[") return undefined;
  let at = skip(SPACE, json, around + 1);
  for (let index = 0; at < json.length && json[at] !== "}" && json[at] !== "]"; index++) {
    let name = String(index);
    if (isObject) {
      const end = endOfString(json, at);
      name = JSON.parse(json.slice(at, end)) as string;
      at = skip(SPACE, json, skip(SPACE, json, end) + 1);
    }
    if (name === token) return at;
    at = skip(SPACE, json, endOfValue(json, at));
    if (json[at] === ",") at = skip(SPACE, json, at + 1);
  }
  return undefined;
}

function endOfValue(json: string, start: number): number {
  const first = json[start];
  if (first === '"') return endOfString(json, start);
  if (first !== "{" && first !== "[") return skip(SCALAR, json, start);
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const char = json[at];
    if (char === '"') at = endOfString(json, at) - 1;
    else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) return at + 1;
  }
  return json.length;
}

function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at + 1;
}

function skip(what: RegExp, json: string, from: number): number {
  what.lastIndex = from;
  what.test(json);
  return Math.max(from, what.lastIndex);
}
