import { decodeEnvelope, type Envelope, MeshError } from "@adaos/core";
import {
  assertOrigin,
  EVENT_ROOT,
  type EventAddress,
  eventsStream,
  givenReplyFilter,
  isReplySubject,
  parseReplySubject,
  parseSubject,
  replyName,
  subjectsOf,
} from "@adaos/core/wire";
import { storedMessages } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";

/** An event that was published in a subnet, as its stream still holds it. */
export interface PublishedEvent {
  readonly seq: number;
  readonly address: EventAddress;
  readonly envelope: Envelope;
}

/** A message under an event's subject that is no event, and why. */
export interface NoEvent {
  readonly seq: number;
  readonly subject: string;
  readonly problem: MeshError;
}

/**
 * Events and replies that nodes of this subnet have published since a time, each kind oldest first, a page in memory.
 * An event from elsewhere counts in the subnet that published it. Messages that are stored meanwhile are not read. A
 * problem names no place within the data: its keys may be classified.
 */
export async function* publishedPast(
  server: OpenServer,
  since: Date,
): AsyncGenerator<PublishedEvent | NoEvent> {
  const stream = eventsStream(server.of);
  const { last_seq: lastSeq } = (await server.jsm.streams.info(stream)).state;
  const filters = [subjectsOf(EVENT_ROOT, server.of), givenReplyFilter(server.of)];
  for (const filter of filters) {
    for await (const { seq, subject, body } of storedMessages(server.connection, stream, filter, {
      time: since,
    })) {
      if (seq > lastSeq) break;
      yield published(seq, subject, body);
    }
  }
}

export function published(seq: number, subject: string, body: Uint8Array): PublishedEvent | NoEvent {
  try {
    const address = addressOf(subject);
    const envelope = decodeEnvelope(body, false);
    assertOrigin(envelope, address);
    return { seq, address, envelope };
  } catch (thrown) {
    return { seq, subject, problem: MeshError.from(thrown, "invalid-event", "it cannot be read") };
  }
}

function addressOf(subject: string): EventAddress {
  if (!isReplySubject(subject)) return parseSubject(subject);
  const { responder, name, version } = parseReplySubject(subject);
  return { ...responder, name: replyName(name), version };
}
