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

/** A sentence in a table: its column does not become narrower than a few words. */
export function Told({ of }: { readonly of: string }): JSX.Element {
  return (
    <div class="told">
      <Text of={of} max={1000} lines />
    </div>
  );
}
