import { encodeEnvelope, type Message, newEventId } from "@adaos/core";
import { formatReplySubject, type NodeAddress, parseSubject, replyName } from "@adaos/core/wire";

/** The reply of `responder` to a command. */
export function replyTo(command: Message, responder: NodeAddress, text: string): Message {
  const { subnet, node, name, version } = parseSubject(command.subject);
  const id = newEventId(Date.now());
  const body = encodeEnvelope({
    event_id: id,
    event_name: replyName(name),
    version,
    kind: "reply",
    ts: new Date().toISOString(),
    source: `conformance@${responder.node}`,
    correlation_id: command.id,
    causation_id: command.id,
    tenant: "default",
    headers: {},
    data: { text },
  });
  const requester = { subnet, node };
  const subject = formatReplySubject({ requester, requestId: command.id, responder, name, version });
  return { subject, id, headers: {}, body };
}

/** The body of a reply as text; a string is returned as it is. */
export function textOf(reply: Message | string | undefined): string {
  return typeof reply === "object" ? Buffer.from(reply.body).toString() : String(reply);
}
