import type { EventPattern } from "../language/event-pattern.ts";
import { EVENT_ROOT } from "./subject.ts";

/** The subject filter of a pattern, from any origin unless one is named. */
export function patternToFilter(
  pattern: EventPattern,
  origin: { subnet?: string; node?: string } = {},
): string {
  const from = `${EVENT_ROOT}.${origin.subnet ?? "*"}.${origin.node ?? "*"}`;
  return `${from}.${patternTail(pattern)}`;
}

/** How the subjects of a pattern's events end: after whatever says where they come from. */
export function patternTail(pattern: EventPattern): string {
  if (pattern.kind === "all") return ">";
  // At least one more token of the name before the version: `ui.notify.>` would let ui.notify itself pass.
  if (pattern.kind === "prefix") return `${pattern.stem}*.>`;
  return `${pattern.stem}.${pattern.version === undefined ? "*" : `v${pattern.version}`}`;
}
