import type { JSX } from "preact";

export function EventPage(): JSX.Element {
  return <p>to come</p>;
}
