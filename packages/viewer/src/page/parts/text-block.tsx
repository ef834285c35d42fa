import type { JSX } from "preact";
import { Text } from "./text.tsx";

interface TextBlockProps {
  readonly of: string;
  /** Characters shown; the rest is told by number. */
  readonly max: number;
}

/** A text of several lines, as it was written. It scrolls where it is long. */
export function TextBlock({ of, max }: TextBlockProps): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard
    <pre tabIndex={0}>
      <Text of={of} max={max} lines />
    </pre>
  );
}
