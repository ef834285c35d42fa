import type { JSX } from "preact";

export function LettersPage(): JSX.Element {
  return <p>to come</p>;
}
