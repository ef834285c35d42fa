import { MeshError, type Message } from "@adaos/core";
import {
  ALERT_ROOT,
  type AlertKind,
  alertSubject,
  alertsStream,
  randomId,
  subjectsOf,
} from "@adaos/core/wire";
import {
  type Connection,
  ensureStream,
  ifThere,
  type StoredFrom,
  StreamPublisher,
  storedMessages,
} from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import {
  type AlertRecord,
  parseRecord,
  parseSilence,
  parseUndelivered,
  type Silence,
  type Undelivered,
} from "./record.ts";

const MAX_BYTES = 16_777_216;
const MAX_AGE_MS = 90 * 86_400_000;
const MAX_MESSAGE_BYTES = 65_536;
/** Each change of an alert is published once, so the shortest window suffices; it costs the least memory. */
const DUPLICATE_WINDOW_MS = 120_000;

/**
 * The stream in which a hub or the root keeps its alerts: the state of each, its history, silences, and the alerts that
 * no webhook accepted. It keeps ninety days; the oldest messages make room.
 */
export class AlertStore {
  readonly stream: string;
  readonly #owner: string;
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;
  readonly #publisher: StreamPublisher;

  /** @param owner The subnet, or `root`. */
  constructor(owner: string, connection: Connection, jsm: JetStreamManager) {
    this.stream = alertsStream(owner);
    this.#owner = owner;
    this.#connection = connection;
    this.#jsm = jsm;
    this.#publisher = new StreamPublisher(connection, { checksDuplicates: true });
  }

  /** Filter of the changes of alerts. */
  get changes(): string {
    return alertSubject(this.#owner, "state");
  }

  /** Makes the stream. Rejects with `unavailable` or `invalid-config`. */
  async ensure(): Promise<void> {
    await ensureStream(this.#jsm, {
      replicas: this.#connection.servers ?? 1,
      name: this.stream,
      subjects: [subjectsOf(ALERT_ROOT)],
      maxBytes: MAX_BYTES,
      maxAgeMs: MAX_AGE_MS,
      duplicateWindowMs: DUPLICATE_WINDOW_MS,
      whenFull: "drop-oldest",
      maxMessageBytes: MAX_MESSAGE_BYTES,
    });
  }

  /** Whether alerts are judged there, or ever were. Rejects with `unavailable`. */
  async exists(): Promise<boolean> {
    try {
      return (await ifThere("stream", this.#jsm.streams.info(this.stream))) !== undefined;
    } catch (thrown) {
      throw MeshError.from(thrown, "unavailable", `stream ${this.stream} does not answer`);
    }
  }

  /** Every change since, oldest first. Rejects with `timeout`. */
  async *history(from?: StoredFrom): AsyncGenerator<AlertRecord> {
    for await (const { body } of this.#stored("state", from)) {
      const record = parseRecord(body);
      if (record !== undefined) yield record;
    }
  }

  /** Alerts that are raised now, each as last recorded. */
  async active(): Promise<readonly AlertRecord[]> {
    const newest = new Map<string, AlertRecord>();
    for await (const record of this.history()) {
      if (record.change === "cleared") newest.delete(record.alert.alert);
      else newest.set(record.alert.alert, record);
    }
    return [...newest.values()];
  }

  /** The newest silence of each name, also when it is over. */
  async silences(): Promise<readonly Silence[]> {
    const newest = new Map<string, Silence>();
    for await (const { body } of this.#stored("silence")) {
      const silence = parseSilence(body);
      if (silence !== undefined) newest.set(silence.name, silence);
    }
    return [...newest.values()];
  }

  async undelivered(from?: StoredFrom): Promise<readonly Undelivered[]> {
    const all: Undelivered[] = [];
    for await (const { body } of this.#stored("undelivered", from)) {
      const one = parseUndelivered(body);
      if (one !== undefined) all.push(one);
    }
    return all;
  }

  /** Resolves once stored; the same event id is stored once. Rejects as `Transport.publish` does. */
  async storeChange(record: AlertRecord): Promise<void> {
    await this.#publish("state", record.alert.alert, record, record.event_id);
  }

  async storeSilence(silence: Silence): Promise<void> {
    await this.#publish("silence", silence.name, silence);
  }

  async storeUndelivered(undelivered: Undelivered): Promise<void> {
    await this.#publish("undelivered", undelivered.webhook, undelivered);
  }

  /** The connection stays. */
  async close(): Promise<void> {
    await this.#publisher.close();
  }

  #stored(kind: AlertKind, from?: StoredFrom): ReturnType<typeof storedMessages> {
    return storedMessages(this.#connection, this.stream, alertSubject(this.#owner, kind), from);
  }

  async #publish(kind: AlertKind, name: string, content: object, id: string = randomId()): Promise<void> {
    const body = new TextEncoder().encode(JSON.stringify(content));
    const message: Message = { subject: alertSubject(this.#owner, kind, name), id, headers: {}, body };
    await this.#publisher.publish(message);
  }
}
