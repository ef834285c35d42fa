import type { JSX } from "preact";
import { Text } from "../../../parts/text.tsx";
import { distanceText } from "../words.ts";

interface WhenProps {
  /** RFC 3339. */
  readonly at: string;
  /** Also how far away it is. @default true */
  readonly isFar?: boolean;
}

/** A time in UTC, as the command line prints it, and how far away it is. */
export function When({ at, isFar = true }: WhenProps): JSX.Element {
  const shown = at.length >= 19 ? `${at.slice(0, 10)} ${at.slice(11, 19)}` : at;
  return (
    <time class="when" dateTime={at} title={at}>
      <Text of={shown} max={40} />
      {isFar ? <span class="dim"> {distanceText(at, Date.now())}</span> : null}
    </time>
  );
}
