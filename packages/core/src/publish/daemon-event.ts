import { createHash } from "node:crypto";
import { checkEnvelope } from "../language/envelope.ts";
import { eventIdAt } from "../language/event-id.ts";
import type { Message } from "../transport.ts";
import { formatSubject } from "../wire/subject.ts";
import { newMessage, type Publisher } from "./publish.ts";

/** An event that a daemon publishes about itself or its work. */
export interface DaemonEvent {
  readonly id: string;
  /** Its version is 1. */
  readonly name: string;
  readonly data: unknown;
  /** The part of `source` before `@`. @default "daemon" */
  readonly component?: string;
}

/**
 * The id of a daemon's own event, made from its time and subject: a second attempt to publish it has the same id. Pure.
 * @param about Tells it from every other event of that time.
 */
export function daemonEventId(atMs: number, ...about: readonly (string | number)[]): string {
  return eventIdAt(atMs, createHash("sha256").update(JSON.stringify(about)).digest("hex").slice(0, 12));
}

/** The message of a daemon's own event, signed where its subnet signs. Throws `invalid-event` or `too-large`. */
export function daemonMessage(
  publisher: Pick<Publisher, "address" | "tenant" | "signatures">,
  { id, name, data, component = "daemon" }: DaemonEvent,
): Message {
  const { address, tenant } = publisher;
  const envelope = checkEnvelope({
    event_id: id,
    event_name: name,
    version: 1,
    kind: "event",
    ts: new Date().toISOString(),
    source: `${component}@${address.node}`,
    correlation_id: id,
    tenant,
    headers: {},
    data,
  });
  return newMessage(publisher, formatSubject({ ...address, name, version: 1 }), envelope);
}
