import type { DeadLetter } from "@adaos/core/wire";
import type { OpenServer } from "../hubs.ts";
import type { FailureFilter } from "../stored/failure-filter.ts";
import { CLOCK_SKEW_MS } from "../stored/find-stored.ts";
import { deadLetters, type KeptDeadLetter } from "./dead-letters.ts";

/** Which dead letters to look at; a field that is not given matches all. */
export interface LetterFilter extends FailureFilter {
  /** The error's type: `TypeError`. */
  readonly type?: string;
  /** Milliseconds since the epoch, of the failure. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Part of an error's message or type, of an id or of an event's name, in any case. */
  readonly text?: string;
}

/** The fields that a filter looks at. */
type Matchable = Pick<
  DeadLetter,
  "at" | "error" | "dead_letter_id" | "event_id" | "correlation_id" | "event_name"
>;

/** The dead letters of one subnet that the filter matches, in the order of {@link deadLetters}. */
export async function* matchingLetters(
  server: OpenServer,
  filter: LetterFilter,
): AsyncGenerator<KeptDeadLetter> {
  const { sinceMs } = filter;
  // A letter is stored after the failure; a member's clock may be ahead all the same.
  const from = sinceMs === undefined ? undefined : { time: new Date(Math.max(0, sinceMs - CLOCK_SKEW_MS)) };
  for await (const letter of deadLetters(server, filter, from))
    if (isMatched(filter, letter.entry)) yield letter;
}

/**
 * Whether the filter matches, as far as it asks for more than a {@link FailureFilter}. The event's data is not looked
 * at: an answer would tell what the mask hides. Pure.
 */
export function isMatched({ type, sinceMs, untilMs, text }: LetterFilter, entry: Matchable): boolean {
  if (type !== undefined && entry.error.type !== type) return false;
  const atMs = Date.parse(entry.at);
  if (sinceMs !== undefined && !(atMs >= sinceMs)) return false;
  if (untilMs !== undefined && !(atMs <= untilMs)) return false;
  if (text === undefined) return true;
  const { error, dead_letter_id, event_id, correlation_id, event_name } = entry;
  const wanted = text.toLowerCase();
  return [error.message, error.type, dead_letter_id, event_id, correlation_id, event_name].some((one) =>
    one.toLowerCase().includes(wanted),
  );
}
