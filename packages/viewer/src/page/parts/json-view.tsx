import type { JSX } from "preact";
import { Text } from "./text.tsx";

const MAX_CHARS = 20_000;

/** A value as indented JSON, cut where it is long. */
export function JsonView({
  of,
  max = MAX_CHARS,
}: {
  readonly of: unknown;
  readonly max?: number;
}): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard
    <pre class="json" tabIndex={0}>
      <Text of={JSON.stringify(of, undefined, 2) ?? "undefined"} max={max} lines />
    </pre>
  );
}
