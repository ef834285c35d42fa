import { MeshError } from "@adaos/core";
import {
  deadLetterStream,
  deadLettersOf,
  eventsStream,
  type LetterOwner,
  type ReplayableLetter,
  replayOf,
  type Signatures,
  travellingHeaders,
} from "@adaos/core/wire";
import { type JetStreamManager, NatsError } from "nats";
import type { Connection } from "../connection/connection.ts";
import { StreamPublisher } from "../publish/stream-publisher.ts";

/** nats-server's code for a message that is not there. */
const NO_MESSAGE = 10057;

/** A dead letter, as far as its replay needs it, and where it is kept. */
export interface KeptLetter {
  readonly stream: string;
  /** Its place in that stream. */
  readonly kept: number;
  readonly entry: ReplayableLetter;
}

/** Runs the dead letters of one subnet again, or removes them. Uses a connection with the hub's rights. */
export class DeadLetterQueue {
  readonly #subnet: string;
  readonly #jsm: JetStreamManager;
  readonly #signatures: Signatures;
  readonly #publisher: StreamPublisher;

  /** @param signatures By which what is run again is verified, and signed anew. */
  constructor(subnet: string, connection: Connection, jsm: JetStreamManager, signatures: Signatures) {
    this.#subnet = subnet;
    this.#jsm = jsm;
    this.#signatures = signatures;
    this.#publisher = new StreamPublisher(connection, { checksDuplicates: true });
  }

  /**
   * Gives the event to its durable again, then takes the dead letter away. Cut short between the two, a second run
   * makes the same event id again. What is asked for one after the other is published in that order. Rejects with
   * `invalid-event` when the dead letter holds no event, `denied` when its subnet has not signed it.
   */
  async replay(letter: KeptLetter): Promise<string> {
    const id = await this.store(letter);
    await this.remove(letter);
    return id;
  }

  /** The first half of {@link replay}: the dead letter stays. Resolves with the id of the new event. */
  async store(letter: Pick<KeptLetter, "entry">): Promise<string> {
    const replay = replayOf(letter.entry, this.#signatures);
    // Whoever wrote the dead letter chose its headers, and a server acts upon some.
    const message = { ...replay, headers: travellingHeaders((name) => replay.headers[name]) };
    const { stream } = await this.#publisher.publish(message);
    if (stream !== eventsStream(this.#subnet)) throw new MeshError("internal", `replayed into ${stream}`);
    return message.id;
  }

  /** Takes away all dead letters of a durable up to a place, itself too. To the server it is one write. */
  async removeUpTo(owner: LetterOwner, kept: number): Promise<void> {
    const bounds = { filter: deadLettersOf(owner), seq: kept + 1 };
    await this.#jsm.streams.purge(deadLetterStream(this.#subnet), bounds);
  }

  async remove({ stream, kept }: Pick<KeptLetter, "stream" | "kept">): Promise<void> {
    try {
      await this.#jsm.streams.deleteMessage(stream, kept, false);
    } catch (thrown) {
      // Somebody was quicker, or it was written again since: whoever looks next finds it.
      if (!(thrown instanceof NatsError) || thrown.api_error?.err_code !== NO_MESSAGE) throw thrown;
    }
  }

  /** Waits until everything is stored. The connection stays. */
  async close(): Promise<void> {
    await this.#publisher.close();
  }
}
