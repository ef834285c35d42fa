import type { JSX } from "preact";
import { Text } from "../../../parts/text.tsx";

const GOOD = new Set(["active", "running", "succeeded", "done", "same"]);
const WARNING = new Set([
  "paused",
  "waiting",
  "starting",
  "disabled",
  "timeout",
  "under-way",
  "left",
  "not-run",
]);
const ERROR = new Set(["broken", "refused", "failed", "loop", "differs", "error"]);

/** A state in its colour; the word says it all, the colour helps to find it. */
export function StateBadge({ of, word = of }: { readonly of: string; readonly word?: string }): JSX.Element {
  const tone = GOOD.has(of) ? "good" : WARNING.has(of) ? "warning" : ERROR.has(of) ? "error" : "";
  return (
    <span class={`badge ${tone}`}>
      <Text of={word} max={40} />
    </span>
  );
}
