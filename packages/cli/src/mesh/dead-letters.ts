import {
  DEAD_LETTER_ROOT,
  type DeadLetter,
  deadLetterStream,
  eventsStream,
  MeshError,
  replayOf,
} from "@adaos/core";
import { StreamPublisher } from "@adaos/transport-nats";
import { type FailureFilter, filterSubject, isOfEvent } from "./failure-filter.ts";
import type { OpenServer } from "./hubs.ts";
import { parseStored } from "./parse-stored.ts";
import { storedMessages } from "./stored-messages.ts";

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
  const subject = filterSubject(DEAD_LETTER_ROOT, server.of, filter);
  if (subject === undefined) return;
  for await (const message of storedMessages(server, deadLetterStream(server.of), subject)) {
    const entry = parseStored<DeadLetter>(message, "dead_letter_id", "event_id", "category", "at");
    if (entry === undefined || !isOfEvent(filter, entry.event_name)) continue;
    if (filter.category !== undefined && entry.category !== filter.category) continue;
    yield { subnet: server.of, kept: message.seq, entry };
  }
}

/** Runs the dead letters of one subnet again, or removes them. */
export class DeadLetterDesk {
  readonly #server: OpenServer;
  readonly #publisher: StreamPublisher;

  constructor(server: OpenServer) {
    this.#server = server;
    this.#publisher = new StreamPublisher(server.connection);
  }

  /**
   * Gives the event to its durable again, then takes the dead letter away. Cut short between the two, a second run makes
   * the same event id again. What is asked for one after the other is published in that order. Rejects with
   * `invalid-event` when the dead letter holds no event.
   */
  async replay({ entry, kept }: KeptDeadLetter): Promise<string> {
    const message = replayOf(entry);
    const { stream } = await this.#publisher.publish(message);
    if (stream !== eventsStream(this.#server.of)) throw new MeshError("internal", `replayed into ${stream}`);
    await this.remove(kept);
    return message.id;
  }

  async remove(kept: number): Promise<void> {
    await this.#server.jsm.streams.deleteMessage(deadLetterStream(this.#server.of), kept, false);
  }

  /** Waits until everything is stored. The connection stays. */
  async close(): Promise<void> {
    await this.#publisher.close();
  }
}
