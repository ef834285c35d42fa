import type { JSX } from "preact";

export function MeshPage(): JSX.Element {
  return <p>to come</p>;
}
