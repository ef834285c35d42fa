import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Text } from "../../../parts/text.tsx";

/** A scenario has 64 KiB at most. */
const MAX_LINES = 4000;
const LINE_CHARS = 1000;
/** Shown above lines that are pointed at. */
const LINES_ABOVE_PX = 80;

interface SourceViewProps {
  readonly text: string;
  readonly label: string;
  /** The word for the colour of a line. */
  readonly markOf?: (line: number) => string | undefined;
  /** Lines that are pointed at, both included. */
  readonly chosen?: { readonly first: number; readonly last: number };
}

/** A text with the numbers of its lines. */
export function SourceView({ text, label, markOf, chosen }: SourceViewProps): JSX.Element {
  const box = useRef<HTMLElement>(null);
  const first = chosen?.first;
  useEffect(() => {
    const line = first === undefined ? undefined : box.current?.querySelectorAll("li")[first - 1];
    // The page stays where it is: on a small screen the text is far below its steps.
    if (line !== undefined && box.current !== null) box.current.scrollTop = line.offsetTop - LINES_ABOVE_PX;
  }, [first]);
  const lines = text.replace(/\n$/, "").split("\n");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard
    <section class="source" ref={box} tabIndex={0} aria-label={label}>
      <ol>
        {lines.slice(0, MAX_LINES).map((line, i) => {
          const no = i + 1;
          const isChosen = chosen !== undefined && no >= chosen.first && no <= chosen.last;
          return (
            <li key={no} class={[markOf?.(no) ?? "", isChosen ? "chosen" : ""].join(" ").trim()}>
              <Text of={line} max={LINE_CHARS} lines />
            </li>
          );
        })}
      </ol>
    </section>
  );
}
