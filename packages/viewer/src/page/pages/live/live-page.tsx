import type { JSX } from "preact";

export function LivePage(): JSX.Element {
  return <p>to come</p>;
}
