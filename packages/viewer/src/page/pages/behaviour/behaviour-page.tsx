import type { JSX } from "preact";

export function BehaviourPage(): JSX.Element {
  return <p>to come</p>;
}
