/**
 * Characters that command a terminal, turn the direction of text, end a line unexpectedly, or are invisible. Line
 * ends, tabs, and the joiners and variation selectors of scripts and emoji are allowed.
 */
const UNSEEN =
  // The exceptions are tested last: tested first, they would cost twelve times as long for each character.
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}](?<!\n|\t|\u200c|\u200d|[\ufe00-\ufe0f])/gu;

/** A text from outside, safe to show to a person. Line ends and tabs stay; unseen characters become U+FFFD. */
export function visibleText(text: string): string {
  return text.replaceAll(UNSEEN, "\ufffd");
}

/** JSON in which every character can be seen. It parses to the same value as the output of `JSON.stringify()`. */
export function visibleJson(value: unknown, indent?: number): string {
  return escapeUnseen(JSON.stringify(value, undefined, indent));
}

/**
 * Source text of a language whose strings know `\uXXXX`, such as JSON or TypeScript, with unseen characters
 * escaped.
 */
export function escapeUnseen(text: string, asEscape: (char: string) => string = utf16Escape): string {
  return text.replaceAll(UNSEEN, asEscape);
}

function utf16Escape(char: string): string {
  return [...Array(char.length).keys()]
    .map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`)
    .join("");
}

/**
 * The first line of a text, cut to fit a cell. The text may come from a stranger: it cannot command the terminal.
 */
export function firstLine(text: string, maxLength: number): string {
  const [line = ""] = text.split("\n", 1);
  return visibleText(line.slice(0, maxLength).replaceAll(/\p{Cc}/gu, " "));
}

/** `1 event`, `2 events`, `0 events`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
