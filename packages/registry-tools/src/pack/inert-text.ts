import { visibleJson, visibleText } from "@adaos/core/wire";

/**
 * JSON of a value in which nothing ends an HTML script, hides or breaks a line of TypeScript. The value stays the same.
 */
export function jsonText(value: unknown, indent?: number): string {
  return visibleJson(value, indent).replaceAll(/<(?=[/!])/g, "\\u003c");
}

/** A TypeScript expression of a JSON value. */
export function typeScriptLiteral(value: unknown): string {
  // In an object literal this key would name the prototype. Within a string the quotes have backslashes.
  return jsonText(value, 2).replaceAll(/^( *)"__proto__":/gm, '$1["__proto__"]:');
}

/** A text as one line of Markdown in which nothing is markup. */
export function markdownText(text: string): string {
  return visibleText(text)
    .replaceAll(/\s+/g, " ")
    .trim()
    .replaceAll(/[\\`*_[\]<>#|~!&]/g, "\\$&");
}

/** A code block that nothing within it ends. */
export function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n$/, "")}\n${fence}`;
}
