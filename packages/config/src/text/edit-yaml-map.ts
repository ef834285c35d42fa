import { isDeepStrictEqual } from "node:util";
import { type Document, isCollection, isMap, isNode, type Pair, parseDocument, type YAMLMap } from "yaml";

type Path = readonly string[];

/**
 * A YAML text with one more entry in the map at `path`, which is created if missing. The rest stays as written;
 * only where the text has no place for a line is the whole document rewritten.
 */
export function withEntry(document: Document, text: string, path: Path, key: string, value: object): string {
  const map = document.getIn(path);
  const entry = `${key}: ${flowText(value)}`;
  const above = path.slice(0, -1);
  const outer = document.getIn(above);
  document.setIn([...path, key], document.createNode(value, { flow: true }));
  // Parsed again: the ranges must be those of the text.
  const before = parseDocument(text, { version: "1.2" });
  const inner = isMap(map) ? before.getIn(path) : undefined;
  if (isMap(inner) && inner.items.length > 0) return checked(document, inserted(text, inner, [entry]));
  const around = outer === undefined || before.hasIn(path) ? undefined : before.getIn(above);
  if (!isMap(around)) return whole(document);
  const name = String(path.at(-1));
  const lines = around.flow === true ? [`${name}: { ${entry} }`] : [`${name}:`, `  ${entry}`];
  return checked(document, inserted(text, around, lines));
}

/** A YAML text without the entry at `path`; the rest stays as it is written. */
export function withoutEntry(document: Document, text: string, path: Path): string {
  const map = parseDocument(text, { version: "1.2" }).getIn(path.slice(0, -1));
  document.deleteIn(path);
  if (!isMap(map) || map.flow === true || map.items.length < 2) return whole(document);
  const pair = map.items.find(({ key }) => String(key) === path.at(-1));
  const range = pair === undefined ? undefined : rangeOf(text, pair);
  if (range === undefined) return whole(document);
  const start = text.lastIndexOf("\n", range.start) + 1;
  return checked(document, text.slice(0, start) + text.slice(lineEnd(text, range.end) + 1));
}

/** Lines after the last entry of a map, or between its brackets. */
function inserted(text: string, map: YAMLMap, lines: readonly string[]): string | undefined {
  const [first] = map.items;
  const last = map.items.at(-1);
  const from = first === undefined ? undefined : rangeOf(text, first);
  const to = last === undefined ? undefined : rangeOf(text, last);
  if (from === undefined || to === undefined) return undefined;
  if (map.flow === true) return `${text.slice(0, to.end)}, ${lines.join(" ")}${text.slice(to.end)}`;
  const indent = " ".repeat(from.start - (text.lastIndexOf("\n", from.start - 1) + 1));
  const end = lineEnd(text, to.end);
  return `${text.slice(0, end)}${lines.map((line) => `\n${indent}${line}`).join("")}${text.slice(end)}`;
}

/** The beginning of an entry and the end of its last character, without trailing blanks. */
function rangeOf(text: string, { key, value }: Pair): { start: number; end: number } | undefined {
  if (!isNode(key) || !key.range) return undefined;
  const range = isNode(value) ? value.range : key.range;
  if (!range) return undefined;
  const end = isCollection(value) && value.flow !== true ? lastOf(text, value.items.at(-1)) : range[1];
  return end === undefined ? undefined : { start: key.range[0], end };
}

function lastOf(text: string, item: unknown): number | undefined {
  if (isNode(item)) return item.range?.[1];
  return item === undefined ? undefined : rangeOf(text, item as Pair)?.end;
}

/** The end of the line, so that a comment on it stays in place. */
function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

/** The edited text if it has the intended meaning, else the whole document rewritten. */
function checked(document: Document, edited: string | undefined): string {
  if (edited === undefined) return whole(document);
  const again = parseDocument(edited, { version: "1.2" });
  const isMeant = again.errors.length === 0 && isDeepStrictEqual(again.toJS(), document.toJS());
  return isMeant ? edited : whole(document);
}

function whole(document: Document): string {
  // Lines are not folded: their author had a reason.
  return document.toString({ lineWidth: 0 });
}

function flowText(value: object): string {
  const text = JSON.stringify(value).replaceAll(/"([a-z][\w.@*-]*)"/g, "$1");
  const spaced = text
    .replaceAll(/([:,])/g, "$1 ")
    .replace(/^\{/, "{ ")
    .replace(/\}$/, " }");
  return spaced === "{  }" ? "{}" : spaced;
}
