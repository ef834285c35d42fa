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

/** nats-server's error code for a missing message. */
const NO_MESSAGE = 10057;

/** The parts of a dead letter that its replay needs, and its place. */
export interface KeptLetter {
  readonly stream: string;
  /** Its place in that stream. */
  readonly kept: number;
  readonly entry: ReplayableLetter;
}

/** Replays the dead letters of one subnet, or removes them. Uses a connection with the hub's rights. */
export class DeadLetterQueue {
  readonly #subnet: string;
  readonly #jsm: JetStreamManager;
  readonly #signatures: Signatures;
  readonly #publisher: StreamPublisher;

  /** @param signatures Verifies a replayed event and signs it anew. */
  constructor(subnet: string, connection: Connection, jsm: JetStreamManager, signatures: Signatures) {
    this.#subnet = subnet;
    this.#jsm = jsm;
    this.#signatures = signatures;
    this.#publisher = new StreamPublisher(connection, { checksDuplicates: true });
  }

  /**
   * Gives the event to its durable again, then removes the dead letter. When it fails between the two, a second run
   * makes the same event id again. Replays are published in the order of their calls. Rejects with `invalid-event` when
   * the dead letter holds no event, `denied` when its subnet has not signed it.
   */
  async replay(letter: KeptLetter): Promise<string> {
    const id = await this.store(letter);
    await this.remove(letter);
    return id;
  }

  /** The first half of {@link replay}: the dead letter stays. Resolves with the id of the new event. */
  async store(letter: Pick<KeptLetter, "entry">): Promise<string> {
    const replay = replayOf(letter.entry, this.#signatures);
    // The writer of the dead letter chose its headers, and a server acts upon some.
    const message = { ...replay, headers: travellingHeaders((name) => replay.headers[name]) };
    const { stream } = await this.#publisher.publish(message);
    if (stream !== eventsStream(this.#subnet)) throw new MeshError("internal", `replayed into ${stream}`);
    return message.id;
  }

  /** Removes all dead letters of a durable up to a place, that one included. The server does it in one write. */
  async removeUpTo(owner: LetterOwner, kept: number): Promise<void> {
    const bounds = { filter: deadLettersOf(owner), seq: kept + 1 };
    await this.#jsm.streams.purge(deadLetterStream(this.#subnet), bounds);
  }

  async remove({ stream, kept }: Pick<KeptLetter, "stream" | "kept">): Promise<void> {
    try {
      await this.#jsm.streams.deleteMessage(stream, kept, false);
    } catch (thrown) {
      // It was removed, or written again since: the next look finds it.
      if (!(thrown instanceof NatsError) || thrown.api_error?.err_code !== NO_MESSAGE) throw thrown;
    }
  }

  /** Waits until everything is stored. The connection stays. */
  async close(): Promise<void> {
    await this.#publisher.close();
  }
}
