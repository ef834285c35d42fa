import type { JSX } from "preact";
import { Text } from "./text.tsx";
import "./parts.css";

/** A short name that is not broken over lines where it fits a line. */
export function Name({ of }: { readonly of: string }): JSX.Element {
  return (
    <span class="name">
      <Text of={of} max={200} />
    </span>
  );
}
