import { resolveStateDir } from "@adaos/config";
import type { AuditedAct, Tally } from "@adaos/operations";
import type { Terminal } from "../terminal/terminal.ts";

/**
 * Runs an action that destroys or changes something, and records user, action and number. It begins once the user has
 * confirmed: a command that only shows its plan leaves no record.
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
