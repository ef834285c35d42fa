import { visibleJson, visibleText } from "@adaos/core/wire";

/** Text from a registry as Markdown without markup, on one line. */
export function plain(text: string): string {
  return escaped(oneLine(text)).replace(/^(\d*)([-+=.)])/, "$1\\$2");
}

/** A part of a line. At the beginning of a line use {@link plain}. */
export function escaped(line: string): string {
  return line
    .replaceAll(/[\\`*_{}[\]#|~!$]/g, "\\$&")
    .replaceAll(/[<>&@]|:(?=\/\/)|(?<=www)\./gi, (char) => `&#${char.codePointAt(0)};`);
}

/** The same as code, in a table too. */
export function code(text: string): string {
  const line = oneLine(text);
  if (line === "") return "";
  const fence = "`".repeat(longestRun(line) + 1);
  const pad = /^[` ]|[` ]$/.test(line) ? " " : "";
  return `${fence}${pad}${line}${pad}${fence}`.replaceAll("|", "\\|");
}

/** A block of JSON. */
export function jsonBlock(value: unknown): string {
  const text = visibleJson(value, 2);
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}json\n${text}\n${fence}`;
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Without line ends, and trimmed. */
export function oneLine(text: string): string {
  return visibleText(text)
    .replaceAll(/[\p{Cc}\u2028\u2029\s]+/gu, " ")
    .trim();
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
