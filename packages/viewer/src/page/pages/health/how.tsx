import type { ComponentChildren, JSX } from "preact";

/** How the numbers above it are counted. */
export function How({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return (
    <details class="how">
      <summary>How it is counted</summary>
      <ul>{children}</ul>
    </details>
  );
}
