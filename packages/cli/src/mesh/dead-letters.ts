import {
  DEAD_LETTER_ROOT,
  type DeadLetter,
  deadLetterStream,
  eventsStream,
  MeshError,
  type Message,
  replayOf,
  type Signatures,
} from "@adaos/core";
import { StreamPublisher, travellingHeaders } from "@adaos/transport-nats";
import { NatsError } from "nats";
import { type FailureFilter, filterSubject, isOfEvent } from "./failure-filter.ts";
import type { OpenServer } from "./hubs.ts";
import { deadLetterSchema, parseStored } from "./parse-stored.ts";
import { storedMessages } from "./stored-messages.ts";

/** nats-server's code for a message that is not there. */
const NO_MESSAGE = 10057;

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
  for await (const message of storedMessages(server, deadLetterStream(server.of), `${handlers}.*`)) {
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

/** Runs the dead letters of one subnet again, or removes them. */
export class DeadLetterDesk {
  readonly #server: OpenServer;
  readonly #signatures: Signatures;
  readonly #publisher: StreamPublisher;

  constructor(server: OpenServer, signatures: Signatures) {
    this.#server = server;
    this.#signatures = signatures;
    this.#publisher = new StreamPublisher(server.connection);
  }

  /**
   * Gives the event to its durable again, then takes the dead letter away. Cut short between the two, a second run makes
   * the same event id again. What is asked for one after the other is published in that order. Rejects with
   * `invalid-event` when the dead letter holds no event, `denied` when its subnet has not signed it.
   */
  async replay({ entry, kept }: KeptDeadLetter): Promise<string> {
    const replay = replayOf(entry, this.#signatures);
    // Whoever wrote the dead letter chose its headers, and a server acts upon some.
    const message = { ...replay, headers: travellingHeaders(replay.headers) };
    const { stream, seq, duplicate } = await this.#publisher.publish(message);
    if (stream !== eventsStream(this.#server.of)) throw new MeshError("internal", `replayed into ${stream}`);
    if (duplicate) await this.#assertReplayed(message, stream, seq);
    await this.remove(kept);
    return message.id;
  }

  async remove(kept: number): Promise<void> {
    try {
      await this.#server.jsm.streams.deleteMessage(deadLetterStream(this.#server.of), kept, false);
    } catch (thrown) {
      // Somebody was quicker, or it was written again since: whoever looks next finds it.
      if (!(thrown instanceof NatsError) || thrown.api_error?.err_code !== NO_MESSAGE) throw thrown;
    }
  }

  /** The id can be foreseen: whoever stored something else under it must not make the dead letter vanish. */
  async #assertReplayed({ id, subject }: Message, stream: string, seq: number): Promise<void> {
    const stored = await this.#server.jsm.streams.getMessage(stream, { seq });
    if (stored.subject === subject) return;
    throw new MeshError(
      "denied",
      `${stored.subject} has taken the id ${id} of the replay; try again in minutes`,
    );
  }

  /** Waits until everything is stored. The connection stays. */
  async close(): Promise<void> {
    await this.#publisher.close();
  }
}
