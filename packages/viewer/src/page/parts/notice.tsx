import type { ComponentChildren, JSX } from "preact";
import { Text } from "./text.tsx";

interface NoticeProps {
  readonly kind: "info" | "error" | "good" | "warning";
  readonly children: ComponentChildren;
  readonly onRetry?: () => void;
}

/** One sentence for the reader; screen readers say it at once. */
export function Notice({ kind, children, onRetry }: NoticeProps): JSX.Element {
  return (
    <div class={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      <span>{typeof children === "string" ? <Text of={children} /> : children}</span>
      {onRetry === undefined ? null : (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
