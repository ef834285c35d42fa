import type { JSX } from "preact";
import { distanceText } from "./spans.ts";
import { Text } from "./text.tsx";
import "./parts.css";

interface WhenProps {
  /** RFC 3339. */
  readonly at: string;
  /** Whole seconds, and how far away that is. @default false */
  readonly isFar?: boolean;
}

/** A time in UTC, as commands print it: `2026-01-05 09:30:00.123`. */
export function When({ at, isFar = false }: WhenProps): JSX.Element {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return <Text of={at} max={40} />;
  const full = new Date(ms).toISOString();
  return (
    <time class="when" dateTime={full} title={full}>
      {timeText(full, isFar)}
      {isFar ? <span class="dim"> {distanceText(full, Date.now())}</span> : null}
    </time>
  );
}

/** The same as text, without a distance. A text that is no time stays what it is. Pure. */
export function timeText(at: string, isWhole = false): string {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return at;
  return new Date(ms)
    .toISOString()
    .slice(0, isWhole ? 19 : 23)
    .replace("T", " ");
}
