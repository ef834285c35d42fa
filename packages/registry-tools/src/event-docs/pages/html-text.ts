import { visibleJson, visibleText } from "@adaos/core/wire";

/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly Part[];

/** Escapes every part that is not {@link Html}. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, i) => text + htmlOf(parts[i - 1] ?? "") + string));
}

function htmlOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map((one: Part) => htmlOf(one)).join("");
  return visibleText(String(part)).replaceAll(/[&<>"'`]/g, (char) => `&#${char.codePointAt(0)};`);
}

/** JSON within `<script>`: nothing in it can end the element. */
export function jsonInScript(value: unknown): Html {
  return new Html(
    visibleJson(value).replaceAll(/[<>&\u2028\u2029]/g, (char) => {
      return `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
    }),
  );
}
