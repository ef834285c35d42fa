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
import { nuid } from "nats";
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
    // A subject of its own, and one message a subject: a letter that is stored again replaces itself.
    const own = `${entry.seq}-${subjectToken(entry.event_id)}`;
    await this.#deadLetters.publish(
      jsonMessage(`${this.#prefix(DEAD_LETTER_ROOT)}.${entry.durable}.${own}`, entry),
    );
  }

  async record(record: ProcessingRecord): Promise<void> {
    await this.#records.publish(jsonMessage(this.#recordSubject(record.durable, record.event_id), record));
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
    return `${this.#prefix(PROCESSING_ROOT)}.${durable}.${subjectToken(eventId)}`;
  }
}

/** Ids come from envelopes that were checked, or from what is no envelope at all: a subject takes no chances. */
function subjectToken(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9-]/g, "_").slice(0, 64) || "_";
}

/** Under an id that nobody can foresee: who could would store something else under it first, and this would be lost. */
function jsonMessage(subject: string, value: object): Message {
  return { subject, id: nuid.next(), headers: {}, body: new TextEncoder().encode(JSON.stringify(value)) };
}
