import type { JSX } from "preact";

/** Characters that cannot be seen, and those that turn the direction of what follows. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHOWN_CHARS = 2000;

interface TextProps {
  readonly of: string;
  /** Characters shown; the rest is told by number. @default 2000 */
  readonly max?: number;
  /** Line breaks and tabs stay what they are. */
  readonly lines?: boolean;
}

/** A text of a stranger: it can neither hide characters nor turn the text around it. */
export function Text({ of, max = SHOWN_CHARS, lines = false }: TextProps): JSX.Element {
  const cut = of.length > max ? of.slice(0, max) : of;
  return (
    <bdi class={lines ? "lines" : undefined}>
      {visible(cut, lines)}
      {cut.length < of.length ? <span class="dim"> … {of.length - cut.length} more characters</span> : null}
    </bdi>
  );
}

/** Unseen characters as `⟨U+202E⟩`, for places that take text alone: titles, labels, and what is copied. Pure. */
export function visible(text: string, lines = false): string {
  return text.replaceAll(UNSEEN, (char) => {
    if (lines && (char === "\n" || char === "\t")) return char;
    return `⟨U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}
