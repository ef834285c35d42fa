import { type REPLIED_ROOT, REPLY_ROOT } from "./reply-subject.ts";
import { EVENT_ROOT, type NodeAddress, subjectsOf } from "./subject.ts";

/*
 * A command that may be lost lies in no stream. Its requester sends it to `ask.…`, and the server of the subnet hands
 * it on under `asked.…` to who listens; the reply goes to `ans.…`, and is handed on under `got.…` like one that was
 * stored. What follows the first token is that of the event, and of the reply. Sent and handed on have different first
 * tokens: a member that asks itself would have all of it twice, and the server take it for a circle.
 */

/** First token of a command that is stored nowhere, as its requester sends it. */
export const ASK_ROOT = "ask";
/** The same as the server hands it on. */
export const ASKED_ROOT = "asked";
/** First token of the reply to such a command, as its handler sends it. */
export const ANSWER_ROOT = "ans";

/** Where a command is sent that is to be stored nowhere. @param event The subject under which it would be stored. */
export function askSubject(event: string): string {
  return `${ASK_ROOT}${event.slice(EVENT_ROOT.length)}`;
}

/** The subject of the event that is handed on under this one. */
export function askedEvent(asked: string): string {
  return `${EVENT_ROOT}${asked.slice(ASKED_ROOT.length)}`;
}

/** Filter of the commands of a subnet that are handed on, or sent: those of one node, or of any (`*`). */
export function subnetAsks(root: typeof ASK_ROOT | typeof ASKED_ROOT, { subnet, node }: NodeAddress): string {
  return subjectsOf(root, subnet, node);
}

/** Where the reply to such a command is sent. @param reply The subject under which it would be stored. */
export function answerSubject(reply: string): string {
  return `${ANSWER_ROOT}${reply.slice(REPLY_ROOT.length)}`;
}

/**
 * Filter of the replies that a node gives within its subnet; `*` for any node.
 * @param tail How they end: see {@link patternTail}.
 */
export function givenAnswerFilter({ subnet, node }: NodeAddress, tail = ">"): string {
  return `${ANSWER_ROOT}.near.${subnet}.*.*.${subnet}.${node}.${tail}`;
}

/** Filter of the replies to a node of its subnet, as they are sent or as they are handed on. */
export function receivedAnswerFilter(
  root: typeof ANSWER_ROOT | typeof REPLIED_ROOT,
  { subnet, node }: NodeAddress,
): string {
  return subjectsOf(root, "near", subnet, node);
}
