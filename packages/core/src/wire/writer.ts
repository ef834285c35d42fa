import { DEAD_LETTER_ROOT, METRICS_ROOT, PROCESSING_ROOT } from "./names.ts";
import { REPLY_ROOT } from "./reply-subject.ts";
import { RAN_ROOT, RUN_ROOT } from "./run-names.ts";
import { EVENT_ROOT, type NodeAddress } from "./subject.ts";

/** Position of the writer's subnet and node in a subject, by its first token. */
const WRITER_AT: ReadonlyMap<string, number> = new Map([
  [EVENT_ROOT, 1],
  [DEAD_LETTER_ROOT, 1],
  [PROCESSING_ROOT, 1],
  [METRICS_ROOT, 1],
  [RUN_ROOT, 1],
  [RAN_ROOT, 1],
  [REPLY_ROOT, 5],
]);

/**
 * The authenticated writer of a message under this subject. Undefined for a replay, which an operator or a hub
 * publishes, and for a foreign subject. Pure.
 */
export function writerOf(subject: string): NodeAddress | undefined {
  const tokens = subject.split(".");
  const at = WRITER_AT.get(tokens[0] ?? "");
  if (at === undefined) return undefined;
  const [subnet, node] = [tokens[at], tokens[at + 1]];
  return subnet === undefined || node === undefined ? undefined : { subnet, node };
}
