import type { JSX } from "preact";

export function PolicyPage(): JSX.Element {
  return <p>to come</p>;
}
