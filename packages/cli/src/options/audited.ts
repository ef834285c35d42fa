import { resolveStateDir } from "@adaos/config";
import type { AuditedAct, Tally } from "@adaos/operations";
import type { Terminal } from "../terminal/terminal.ts";

/**
 * Does what destroys or changes something, and records who did what to how many. Begins once the user has confirmed it:
 * a command that only tells what it would do leaves no record.
 */
export async function audited<T>(
  { state }: { readonly state: string | undefined },
  terminal: Terminal,
  act: AuditedAct,
  work: (tally: Tally) => Promise<T>,
): Promise<T> {
  const { AuditTrail } = await import("@adaos/operations");
  return new AuditTrail(resolveStateDir(state), terminal.say).record(act, work);
}
