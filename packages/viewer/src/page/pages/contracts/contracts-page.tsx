import type { JSX } from "preact";

export function ContractsPage(): JSX.Element {
  return <p>to come</p>;
}
