import { MeshError, type Message } from "@adaos/core";
import {
  type DeadLetter,
  deadLetterOfEvent,
  deadLetterSubject,
  encodeDeadLetter,
  type FailureJournal,
  MAX_DEAD_LETTER_BYTES,
  MAX_RECORD_BYTES,
  type NodeAddress,
  type ProcessingRecord,
  processingStream,
  type RecordedEvent,
  randomId,
  recordSubject,
} from "@adaos/core/wire";
import type { Connection } from "../connection/connection.ts";
import { StreamPublisher } from "../publish/stream-publisher.ts";
import { Suspensions } from "../publish/suspensions.ts";
import { NatsParking } from "./nats-parking.ts";

const ANSWER_MS = 3000;

/** The failure journal of one member, in two streams of its hub. Uses a connection and does not own it. */
export class NatsJournal implements FailureJournal {
  readonly parking: NatsParking;
  readonly #connection: Connection;
  readonly #address: NodeAddress;
  readonly #deadLetters: StreamPublisher;
  readonly #records: StreamPublisher;
  readonly #suspensions: Suspensions;

  constructor(connection: Connection, address: NodeAddress) {
    this.#connection = connection;
    this.#address = address;
    this.parking = new NatsParking(connection, address.node);
    this.#suspensions = new Suspensions(connection, address.node);
    // A batch goes to one stream, so each has a publisher of its own.
    this.#deadLetters = new StreamPublisher(connection, { maxMessageBytes: MAX_DEAD_LETTER_BYTES });
    this.#records = new StreamPublisher(connection, { maxMessageBytes: MAX_RECORD_BYTES });
  }

  async storeDeadLetter(entry: DeadLetter): Promise<void> {
    // Its own subject, with one message for each subject: a letter that is stored again replaces itself.
    const own = deadLetterOfEvent(entry.event_id, entry.seq);
    const subject = deadLetterSubject({ ...this.#address, durable: entry.durable }, own);
    const letter = messageOf(subject, encodeDeadLetter(entry));
    await this.#suspensions.guard(subject, () => this.#deadLetters.publish(letter));
  }

  async record(record: ProcessingRecord): Promise<void> {
    const subject = recordSubject(this.#address, record.durable, record);
    const message = messageOf(subject, new TextEncoder().encode(JSON.stringify(record)));
    await this.#suspensions.guard(subject, () => this.#records.publish(message));
  }

  async lastRecord(durable: string, event: RecordedEvent): Promise<ProcessingRecord | undefined> {
    const { subnet } = this.#address;
    const subject = `$JS.API.DIRECT.GET.${processingStream(subnet)}.${recordSubject(this.#address, durable, event)}`;
    try {
      const answer = await this.#connection.nc.request(subject, undefined, { timeout: ANSWER_MS });
      return answer.headers?.code === 404 ? undefined : answer.json<ProcessingRecord>();
    } catch (cause) {
      throw MeshError.from(cause, "unavailable", "the hub does not answer for processing records");
    }
  }
}

function messageOf(subject: string, body: Uint8Array): Message {
  return { subject, id: randomId(), headers: {}, body };
}
