import type { JSX } from "preact";
import { TextBlock } from "./text-block.tsx";

const MAX_CHARS = 20_000;

/** A value as indented JSON, cut where it is long. */
export function JsonView({
  of,
  max = MAX_CHARS,
}: {
  readonly of: unknown;
  readonly max?: number;
}): JSX.Element {
  return <TextBlock of={JSON.stringify(of, undefined, 2) ?? "undefined"} max={max} />;
}
