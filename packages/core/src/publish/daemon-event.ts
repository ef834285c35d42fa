import { checkEnvelope } from "../language/envelope.ts";
import type { Message } from "../transport.ts";
import { formatSubject } from "../wire/subject.ts";
import { newMessage, type Publisher } from "./publish.ts";

/** An event that a daemon publishes about itself or its work. */
export interface DaemonEvent {
  readonly id: string;
  /** Its version is 1. */
  readonly name: string;
  readonly data: unknown;
}

/** The message of a daemon's own event, signed where its subnet signs. Throws `invalid-event` or `too-large`. */
export function daemonMessage(
  publisher: Pick<Publisher, "address" | "tenant" | "signatures">,
  { id, name, data }: DaemonEvent,
): Message {
  const { address, tenant } = publisher;
  const envelope = checkEnvelope({
    event_id: id,
    event_name: name,
    version: 1,
    kind: "event",
    ts: new Date().toISOString(),
    source: `daemon@${address.node}`,
    correlation_id: id,
    tenant,
    headers: {},
    data,
  });
  return newMessage(publisher, formatSubject({ ...address, name, version: 1 }), envelope);
}
