import {
  DEAD_LETTER_ROOT,
  type DeadLetter,
  type FailureJournal,
  MeshError,
  type Message,
  type NodeAddress,
  PROCESSING_ROOT,
  type ProcessingRecord,
  processingStream,
} from "@adaos/core";
import type { Connection } from "./connection.ts";
import { StreamPublisher } from "./stream-publisher.ts";

const ANSWER_MS = 3000;

/** The failure journal of one member, in two streams of its hub. Uses a connection and does not own it. */
export class NatsJournal implements FailureJournal {
  readonly #connection: Connection;
  readonly #address: NodeAddress;
  readonly #deadLetters: StreamPublisher;
  readonly #records: StreamPublisher;

  constructor(connection: Connection, address: NodeAddress) {
    this.#connection = connection;
    this.#address = address;
    // A batch goes to one stream, so each has a publisher of its own.
    this.#deadLetters = new StreamPublisher(connection);
    this.#records = new StreamPublisher(connection);
  }

  async storeDeadLetter(entry: DeadLetter): Promise<void> {
    const subject = `${this.#prefix(DEAD_LETTER_ROOT)}.${entry.durable}`;
    await this.#deadLetters.publish(jsonMessage(subject, entry.dead_letter_id, entry));
  }

  async record(record: ProcessingRecord): Promise<void> {
    const { node, durable, event_id: eventId, seq, status } = record;
    const id = `${node} ${durable} ${eventId} ${seq} ${status} ${record.retry_info?.count ?? 0}`;
    await this.#records.publish(
      jsonMessage(this.#recordSubject(record.durable, record.event_id), id, record),
    );
  }

  async lastRecord(durable: string, eventId: string): Promise<ProcessingRecord | undefined> {
    const { subnet } = this.#address;
    const subject = `$JS.API.DIRECT.GET.${processingStream(subnet)}.${this.#recordSubject(durable, eventId)}`;
    try {
      const answer = await this.#connection.nc.request(subject, undefined, { timeout: ANSWER_MS });
      return answer.headers?.code === 404 ? undefined : answer.json<ProcessingRecord>();
    } catch (cause) {
      throw MeshError.from(cause, "unavailable", "the hub does not answer for processing records");
    }
  }

  #prefix(root: string): string {
    return `${root}.${this.#address.subnet}.${this.#address.node}`;
  }

  #recordSubject(durable: string, eventId: string): string {
    // Ids come from envelopes that were checked, but a subject takes no chances.
    return `${this.#prefix(PROCESSING_ROOT)}.${durable}.${eventId.replaceAll(/[^A-Za-z0-9-]/g, "_")}`;
  }
}

function jsonMessage(subject: string, id: string, value: object): Message {
  return { subject, id, headers: {}, body: new TextEncoder().encode(JSON.stringify(value)) };
}
