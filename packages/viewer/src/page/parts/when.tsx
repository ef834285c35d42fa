import type { JSX } from "preact";
import { Text } from "./text.tsx";
import "./parts.css";

/** A time in UTC, as commands print it, in fewer characters: `01-05 09:30:00.123`. */
export function When({
  at,
  isLong = false,
}: {
  readonly at: string;
  readonly isLong?: boolean;
}): JSX.Element {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return <Text of={at} max={40} />;
  const full = new Date(ms).toISOString();
  return (
    <time class="when" dateTime={full} title={full}>
      {isLong ? full.replace("T", " ") : full.slice(5, 23).replace("T", " ")}
    </time>
  );
}

/** `12 ms`, `1.4 s`, `3.2 min`. Pure. */
export function tookText(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1000) return `${Number.isInteger(ms) ? ms : ms.toFixed(size < 10 ? 1 : 0)} ms`;
  if (size < 60_000) return `${(ms / 1000).toFixed(size < 10_000 ? 2 : 1)} s`;
  if (size < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
