import { visibleJson, visibleText } from "@adaos/core/wire";

/**
 * JSON of a value that cannot end an HTML script, hide text, or break a line of TypeScript. The value stays the
 * same.
 */
export function jsonText(value: unknown, indent?: number): string {
  return visibleJson(value, indent).replaceAll(/<(?=[/!])/g, "\\u003c");
}

/** A TypeScript expression of a JSON value. */
export function typeScriptLiteral(value: unknown): string {
  // In an object literal this key would set the prototype. Within a string the quotes have backslashes.
  return jsonText(value, 2).replaceAll(/^( *)"__proto__":/gm, '$1["__proto__"]:');
}

/** A text as one line of Markdown without markup. */
export function markdownText(text: string): string {
  return visibleText(text)
    .replaceAll(/\s+/g, " ")
    .trim()
    .replaceAll(/[\\`*_[\]<>#|~!&]/g, "\\$&");
}

/** A code block that its text cannot end. */
export function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n$/, "")}\n${fence}`;
}
