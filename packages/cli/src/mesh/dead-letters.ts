import { DEAD_LETTER_ROOT, type DeadLetter, deadLetterStream } from "@adaos/core";
import { storedMessages } from "@adaos/transport-nats";
import { type FailureFilter, filterSubject, isOfEvent } from "./failure-filter.ts";
import type { OpenServer } from "./hubs.ts";
import { deadLetterSchema, parseStored } from "./parse-stored.ts";

/** A dead letter and where it is kept. */
export interface KeptDeadLetter {
  readonly subnet: string;
  /** Its place in the dead letter stream. */
  readonly kept: number;
  readonly entry: DeadLetter;
}

/** A dead letter without the event's bytes: what a list needs, and small. */
export type DeadLetterSummary = { readonly subnet: string } & Omit<DeadLetter, "message">;

export function summaryOf({ subnet, entry }: KeptDeadLetter): DeadLetterSummary {
  const { message: _, ...rest } = entry;
  return { subnet, ...rest };
}

/** The dead letters of one subnet that the filter matches, oldest first. */
export async function* deadLetters(
  server: OpenServer,
  filter: FailureFilter = {},
): AsyncGenerator<KeptDeadLetter> {
  const handlers = filterSubject(DEAD_LETTER_ROOT, server.of, filter);
  if (handlers === undefined) return;
  for await (const message of storedMessages(
    server.connection,
    deadLetterStream(server.of),
    `${handlers}.>`,
  )) {
    const entry = parseStored(message, deadLetterSchema);
    if (entry === undefined || !isOwn(entry, message.subject) || !isOfEvent(filter, entry.event_name))
      continue;
    if (filter.category !== undefined && entry.category !== filter.category) continue;
    yield { subnet: server.of, kept: message.seq, entry };
  }
}

/** The subject says who wrote it: what claims to be another's would be given to that one's handler. */
function isOwn({ node, durable }: DeadLetter, subject: string): boolean {
  const [, subnet, name, ofDurable] = subject.split(".");
  return node === `${subnet}/${name}` && durable === ofDurable;
}
