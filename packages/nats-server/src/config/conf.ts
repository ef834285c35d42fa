import { MeshError } from "@adaos/core";

/** A value of a nats-server config file. Undefined entries are left out. */
export type ConfValue = string | number | boolean | readonly ConfValue[] | ConfBlock;

export interface ConfBlock {
  readonly [key: string]: ConfValue | undefined;
}

const MAX_LINE_LENGTH = 100;

/** Renders a config file: one entry a line, strings always quoted, so that nothing in a value is read as syntax. */
export function renderConf(block: ConfBlock, header: readonly string[] = []): string {
  return `${header.map((line) => `# ${line}\n`).join("")}${entries(block, "")}`;
}

function entries(block: ConfBlock, indent: string): string {
  return Object.entries(block)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${indent}${entry(key, value as ConfValue, indent)}\n`)
    .join("");
}

function entry(key: string, value: ConfValue, indent: string): string {
  // A keyword, not a field: it reads another file at this place.
  if (key === "include") return `include ${render(value, indent)}`;
  return `${/^[A-Za-z0-9_]+$/.test(key) ? key : JSON.stringify(key)}: ${render(value, indent)}`;
}

function render(value: ConfValue, indent: string): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object") return String(value);
  return isList(value) ? renderList(value, indent) : renderBlock(value, indent);
}

/** Throws `invalid-config` for characters that a server's quoted strings cannot contain. */
function quoted(text: string): string {
  // The server reads escaped tabs and line ends as in JSON; it does not read other control characters and lone
  // surrogates.
  if (/[^\P{Cc}\t\r\n]|\p{Cs}/u.test(text)) {
    throw new MeshError(
      "invalid-config",
      `${JSON.stringify(text)} has characters that a server config cannot hold`,
    );
  }
  return JSON.stringify(text);
}

function renderList(list: readonly ConfValue[], indent: string): string {
  const inner = `${indent}  `;
  if (list.every((item) => typeof item !== "object")) {
    const line = `[${list.map((item) => render(item, "")).join(", ")}]`;
    if (line.length + indent.length <= MAX_LINE_LENGTH) return line;
  }
  return `[\n${list.map((item) => `${inner}${render(item, inner)}\n`).join("")}${indent}]`;
}

function renderBlock(block: ConfBlock, indent: string): string {
  const held = Object.entries(block).filter(([, value]) => value !== undefined);
  if (
    !("include" in block) &&
    held.every(([, value]) => typeof value !== "object" || isList(value as ConfValue))
  ) {
    const line = `{ ${held.map(([key, value]) => entry(key, value as ConfValue, "")).join(", ")} }`;
    if (!line.includes("\n") && line.length + indent.length <= MAX_LINE_LENGTH) return line;
  }
  return `{\n${entries(block, `${indent}  `)}${indent}}`;
}

function isList(value: ConfValue): value is readonly ConfValue[] {
  return Array.isArray(value);
}
