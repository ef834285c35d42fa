import type { ComponentChildren, JSX } from "preact";

interface ScrollProps {
  /** Said to screen readers. */
  readonly label: string;
  readonly children: ComponentChildren;
}

/** A region that scrolls when its content is wider than the screen. */
export function Scroll({ label, children }: ScrollProps): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard
    <section class="scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
