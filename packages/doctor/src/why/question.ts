import { MeshError, parseEventRef } from "@adaos/core";
import { isEventId } from "@adaos/core/wire";
import type { WhyQuestion } from "@adaos/operations";
import type { Witnesses } from "./witnesses.ts";

const HOUR_MS = 3_600_000;

/** What a person asks about: an id, or a name with its publisher and its receiver. */
export interface WhyAsked {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Milliseconds since the epoch. @default an hour ago */
  readonly sinceMs?: number | undefined;
}

/** The question about an event id, or about an event's name or reference. Throws `usage`. */
export function whyQuestionOf(
  event: string,
  { from, to, sinceMs = Date.now() - HOUR_MS }: WhyAsked,
  { newest }: Pick<Witnesses, "newest">,
): WhyQuestion {
  if (isEventId(event)) return { id: event, to, sinceMs };
  if (from === undefined || to === undefined)
    throw new MeshError("usage", "of an event's name --from and --to are needed; without them give its id");
  const { name, version } = parseEventRef(event);
  return { event: { name, version: version ?? newest(name) }, from, to, sinceMs };
}
