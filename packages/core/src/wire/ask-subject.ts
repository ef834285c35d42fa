import { type REPLIED_ROOT, REPLY_ROOT } from "./reply-subject.ts";
import { EVENT_ROOT, type NodeAddress, subjectsOf } from "./subject.ts";

/**
 * A command that may be lost is stored in no stream. Its requester sends it to `ask.…`, and the subnet's server
 * maps it to `asked.…` for its handlers. The reply goes to `ans.…`, which the server maps to `got.…`, as for a
 * stored reply. The tokens after the first are those of the event, and of the reply. The first tokens differ: a
 * member that asks itself would otherwise get everything twice, and the server would see a loop.
 */

/** First token of an at-most-once command as its requester sends it. */
export const ASK_ROOT = "ask";
/** First token of the same command as its handlers receive it. */
export const ASKED_ROOT = "asked";
/** First token of the reply to such a command as its handler sends it. */
export const ANSWER_ROOT = "ans";

/**
 * The subject to which an at-most-once command is sent.
 * @param event The subject under which it would be stored.
 */
export function askSubject(event: string): string {
  return `${ASK_ROOT}${event.slice(EVENT_ROOT.length)}`;
}

/** The event subject of a received command. */
export function askedEvent(asked: string): string {
  return `${EVENT_ROOT}${asked.slice(ASKED_ROOT.length)}`;
}

/** Filter of a subnet's at-most-once commands as sent or as received: from one node, or from any (`*`). */
export function subnetAsks(root: typeof ASK_ROOT | typeof ASKED_ROOT, { subnet, node }: NodeAddress): string {
  return subjectsOf(root, subnet, node);
}

/**
 * The subject to which the reply to such a command is sent.
 * @param reply The subject under which it would be stored.
 */
export function answerSubject(reply: string): string {
  return `${ANSWER_ROOT}${reply.slice(REPLY_ROOT.length)}`;
}

/**
 * Filter of a node's replies within its subnet; `*` for any node.
 * @param tail The end of their subjects: see {@link patternTail}.
 */
export function givenAnswerFilter({ subnet, node }: NodeAddress, tail = ">"): string {
  return `${ANSWER_ROOT}.near.${subnet}.*.*.${subnet}.${node}.${tail}`;
}

/** Filter of the replies to a node of its subnet, as sent or as received. */
export function receivedAnswerFilter(
  root: typeof ANSWER_ROOT | typeof REPLIED_ROOT,
  { subnet, node }: NodeAddress,
): string {
  return subjectsOf(root, "near", subnet, node);
}
