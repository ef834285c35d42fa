import { MeshError } from "../language/errors.ts";
import { assertEventName, quote } from "../language/event-name.ts";
import type { EventPattern } from "../language/event-pattern.ts";
import { assertOriginToken, type NodeAddress, patternTail, subjectsOf } from "./subject.ts";

/**
 * A reply goes to one node, independent of subscriptions, so it has subjects of its own kind. They name requester
 * and responder, whom the server has authenticated, and the command. Where a policy lets the command pass one way,
 * its replies pass the other.
 *
 *   rpy.<near|far>.<requester subnet>.<node>.<request id>.<responder subnet>.<node>.<command>.v<major>
 */

/** First token of every reply. */
export const REPLY_ROOT = "rpy";
/** First token under which a hub's server maps a stored reply to its requester. */
export const REPLIED_ROOT = "got";

export interface ReplyAddress {
  readonly requester: NodeAddress;
  /** The command's event id. */
  readonly requestId: string;
  readonly responder: NodeAddress;
  /** The command that is answered. */
  readonly name: string;
  readonly version: number;
}

/** Whether a reply stays in its subnet or crosses the root. */
type Reach = "near" | "far";

const REQUEST_ID = /^[A-Za-z0-9-]{1,64}$/;

/** Joins the subject of a reply. Throws `invalid-event`. */
export function formatReplySubject(address: ReplyAddress): string {
  const { requester, requestId, responder, name, version } = address;
  for (const { subnet, node } of [requester, responder]) {
    assertOriginToken(subnet, "subnet");
    assertOriginToken(node, "node");
  }
  if (!REQUEST_ID.test(requestId)) {
    throw new MeshError("invalid-event", `request id ${quote(requestId)} is none that a reply can name`);
  }
  assertEventName(name);
  const to = `${requester.subnet}.${requester.node}.${requestId}`;
  const from = `${responder.subnet}.${responder.node}`;
  return `${REPLY_ROOT}.${reachOf(address)}.${to}.${from}.${name}.v${version}`;
}

/** Splits the subject of a reply, stored or mapped. Throws `invalid-event` for another subject. */
export function parseReplySubject(subject: string): ReplyAddress {
  const tokens = subject.split(".");
  const [root, reach, subnet = "", node = "", requestId = "", respondingSubnet = "", respondingNode = ""] =
    tokens;
  const last = tokens.at(-1) ?? "";
  if ((root !== REPLY_ROOT && root !== REPLIED_ROOT) || tokens.length < 10 || !/^v[1-9]\d{0,3}$/.test(last)) {
    throw new MeshError("invalid-event", `subject ${quote(subject)} is not that of a reply`);
  }
  const address: ReplyAddress = {
    requester: { subnet, node },
    requestId,
    responder: { subnet: respondingSubnet, node: respondingNode },
    name: tokens.slice(7, -1).join("."),
    version: Number(last.slice(1)),
  };
  // Joining checks every part: a reply marked near that is far would slip past a link.
  if (formatReplySubject(address).slice(REPLY_ROOT.length) === subject.slice(root.length)) return address;
  throw new MeshError(
    "invalid-event",
    `subject ${quote(subject)} says ${quote(reach ?? "")}, which it is not`,
  );
}

function reachOf({ requester, responder }: Pick<ReplyAddress, "requester" | "responder">): Reach {
  return requester.subnet === responder.subnet ? "near" : "far";
}

/** Filter of the replies to commands of this pattern that cross the root, from or to these subnets. */
export function farReplyFilter(
  pattern: EventPattern,
  ends: { readonly requester?: string; readonly responder?: string },
): string {
  const far: Reach = "far";
  return `${REPLY_ROOT}.${far}.${ends.requester ?? "*"}.*.*.${ends.responder ?? "*"}.*.${patternTail(pattern)}`;
}

/** The subject of a command's replies, with a name in braces for each token of requester and responder. */
export function replySubjectForm(name: string, version: number): string {
  const ends = "{reach}.{subnet}.{node}.{requestId}.{responderSubnet}.{responderNode}";
  return `${REPLY_ROOT}.${ends}.${name}.v${version}`;
}

export function isReplySubject(subject: string): boolean {
  return subject.startsWith(`${REPLY_ROOT}.`);
}

/** The subject under which a mapped reply is stored. */
export function storedReplySubject(subject: string): string {
  return subject.startsWith(`${REPLIED_ROOT}.`)
    ? `${REPLY_ROOT}${subject.slice(REPLIED_ROOT.length)}`
    : subject;
}

/** Filter of the replies that a node sends; `*` for any node. @param tail Their end: see {@link patternTail}. */
export function givenReplyFilter(subnet: string, node?: string, tail = ">"): string {
  const by = node === undefined ? subnet : `${subnet}.${node}`;
  return `${REPLY_ROOT}.*.*.*.*.${by}.${tail}`;
}

/** Filter of the mapped replies to a node; `*` for any node. */
export function receivedReplyFilter({ subnet, node }: NodeAddress): string {
  return subjectsOf(REPLIED_ROOT, "*", subnet, node);
}

/** Filter of the stored replies to one request of a node. */
export function requestReplyFilter({ subnet, node }: NodeAddress, requestId: string): string {
  return subjectsOf(REPLY_ROOT, "*", subnet, node, requestId);
}

/** The name of the event that answers a command. */
export function replyName(command: string): string {
  return `${command}.result`;
}
