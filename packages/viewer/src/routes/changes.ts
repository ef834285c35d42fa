import type { Logger } from "@adaos/core";
import { type AuditedAct, AuditTrail, type Tally } from "@adaos/operations";
import type { Caller } from "../access/tokens.ts";
import type { ViewerContext } from "../http/route.ts";

/** Does a change, and records it with the caller's name as a command records it with its user's. */
export function recorded<T>(
  { stateDir, say }: ViewerContext,
  { name }: Caller,
  act: AuditedAct,
  work: (tally: Tally) => Promise<T>,
): Promise<T> {
  return new AuditTrail(stateDir, say).record({ ...act, by: `${name} by viewer` }, work);
}

/** A log that says errors alone, in the viewer's log. */
export function quietLog({ say }: ViewerContext): Logger {
  const silent = (): void => undefined;
  return { debug: silent, info: silent, warn: silent, error: (_fields, event) => say(event) };
}
