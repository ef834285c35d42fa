/**
 * Characters that command a terminal, turn the direction of what follows, end a line where nobody expects it, or are
 * not seen at all. Line ends, tabs, and the joiners and variation selectors of scripts and emoji are none of them.
 */
const UNSEEN =
  // What is none of them is looked for last: for each character that would take twelve times as long.
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}](?<!\n|\t|\u200c|\u200d|[\ufe00-\ufe0f])/gu;

/** A text from outside as it may be shown to a person. Line ends and tabs stay; whatever is unseen becomes U+FFFD. */
export function visibleText(text: string): string {
  return text.replaceAll(UNSEEN, "\ufffd");
}

/** JSON in which every character can be seen. It stands for the same value as that of `JSON.stringify()`. */
export function visibleJson(value: unknown, indent?: number): string {
  return escapeUnseen(JSON.stringify(value, undefined, indent));
}

/** Text of a language whose strings know `\uXXXX`, such as JSON or TypeScript, with whatever is unseen written so. */
export function escapeUnseen(text: string, asEscape: (char: string) => string = utf16Escape): string {
  return text.replaceAll(UNSEEN, asEscape);
}

function utf16Escape(char: string): string {
  return [...Array(char.length).keys()]
    .map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`)
    .join("");
}

/** What of a text fits into a cell. It may come from a stranger: nothing in it reaches the terminal as a command. */
export function firstLine(text: string, maxLength: number): string {
  const [line = ""] = text.split("\n", 1);
  return visibleText(line.slice(0, maxLength).replaceAll(/\p{Cc}/gu, " "));
}

/** `1 event`, `2 events`, `0 events`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
