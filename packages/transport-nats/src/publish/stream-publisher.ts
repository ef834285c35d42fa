import { MeshError, type Message, type PublishReceipt } from "@adaos/core";
import {
  delay,
  MAX_EVENT_BYTES,
  MAX_PAYLOAD_BYTES,
  messageBytes,
  messageProblem,
  randomId,
} from "@adaos/core/wire";
import type { Connection } from "../connection/connection.ts";
import { headerBlock, publishRaw, type RawMessage } from "../connection/raw-publish.ts";
import { AckInbox } from "../pull/ack-inbox.ts";
import { batchHeaders, MAX_BATCH_MESSAGES } from "./atomic-batch.ts";
import { problemOfDuplicate } from "./duplicate-check.ts";
import { LineWindow } from "./line-window.ts";
import {
  inTime,
  noteLate,
  type Outcome,
  outcomeOf,
  type Pending,
  receiptOf,
  settleOutcomes,
  stillToSend,
} from "./pending.ts";
import type { Ack } from "./publish-ack.ts";

export interface StreamPublisherOptions {
  /**
   * Time from the call to storage, retries included. After it the call rejects with `timeout`, the outcome being
   * unknown. @default 10000
   */
  readonly timeoutMs?: number;
  /** Limit of queued messages; more are refused with `backpressure`. @default 20000 */
  readonly maxQueued?: number;
  /** Limit of queued bytes. @default 64 MiB */
  readonly maxQueuedBytes?: number;
  /** Whether messages are stored in the order of their calls. @default true */
  readonly isOrdered?: boolean;
  /** Largest message that the stream accepts, headers included. @default {@link MAX_EVENT_BYTES} */
  readonly maxMessageBytes?: number;
  /**
   * Whether to look at a duplicate before reporting it, which needs the right to read the stream. Without that right,
   * trust the server: nobody else can make a duplicate. @default false
   */
  readonly checksDuplicates?: boolean;
}

/**
 * Fewer than these go singly. A batch costs the server 2 to 3 ms however few it holds, a message alone 0.3 to 0.5 ms to
 * and fro with a disk sync, and 0.23 ms among others on their way (nats-server 2.15.1, ext4).
 */
const ORDERED = { minBatch: 6, maxInFlight: 1 };
const UNORDERED = { minBatch: 20, maxInFlight: 20 };
const RETRY_PAUSE_MS = 100;

/**
 * Publishes to one stream. A few messages go singly. Faster calls share an atomic batch, which costs the server one
 * disk sync however many messages it holds.
 *
 * In order, one write is on its way at a time, and nothing is sent behind a message that has to be sent again. The
 * reason: a server that reads its config refuses messages for a few ms and accepts the next one. Without order, single
 * messages do not wait for each other.
 */
export class StreamPublisher {
  readonly #connection: Connection;
  readonly #options: Required<StreamPublisherOptions>;
  readonly #acks: AckInbox;
  #queue: Pending[] = [];
  #queuedBytes = 0;
  /** Messages sent singly and not answered yet. */
  #inFlight = 0;
  /** Messages to be sent again, before anything else. */
  #again: Pending[] = [];
  readonly #line = new LineWindow();
  readonly #unlisten: () => void;
  /** Bytes that are not answered yet. */
  #inFlightBytes = 0;
  /** Time of the last missing answer. Missing answers to writes from before it prove nothing more about the line. */
  #doubtedMs = Number.NEGATIVE_INFINITY;
  #onAnswer: () => void = () => undefined;
  #writing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Below `minBatch`, messages go singly; `maxInFlight` of these may be on their way. */
  readonly #singles: typeof ORDERED;

  constructor(connection: Connection, options: StreamPublisherOptions = {}) {
    this.#connection = connection;
    this.#options = {
      timeoutMs: 10_000,
      maxQueued: 20_000,
      maxQueuedBytes: 64 * 1024 * 1024,
      isOrdered: true,
      maxMessageBytes: MAX_EVENT_BYTES,
      checksDuplicates: false,
      ...options,
    };
    this.#singles = this.#options.isOrdered ? ORDERED : UNORDERED;
    this.#acks = new AckInbox(connection);
    this.#unlisten = connection.listen({ onReconnect: () => this.#line.startAnew() });
  }

  /** Largest write, by the measured speed of the line. */
  get writeBytes(): number {
    return this.#line.bytes;
  }

  /** Stores one message; stops sending when `signal` aborts. Rejects as {@link Transport.publish} does. */
  publish(message: Message, signal?: AbortSignal): Promise<PublishReceipt> {
    if (this.#closing !== undefined)
      return Promise.reject(new MeshError("closed", "the connection is closed"));
    const { maxQueued, maxQueuedBytes, timeoutMs } = this.#options;
    const bytes = messageBytes(message);
    if (this.#queue.length >= maxQueued || this.#queuedBytes + bytes > maxQueuedBytes) {
      const queued = `${this.#queue.length} messages (${this.#queuedBytes} bytes)`;
      return Promise.reject(
        new MeshError("backpressure", `${queued} wait to be stored; publish more slowly`),
      );
    }
    const problem = this.#problemOf(message);
    if (problem !== undefined) return Promise.reject(problem);
    const id = this.#connection.ids.of(message.subject, message.id);
    const headers = headersOf(message, id);
    const deadlineMs = performance.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      this.#queue.push({
        message,
        bytes,
        id,
        headers,
        deadlineMs,
        signal,
        unsure: false,
        wasRefused: false,
        stored: undefined,
        resolve,
        reject,
      });
      this.#queuedBytes += bytes;
      this.#writing ??= this.#write();
    });
  }

  /** Waits until every accepted message is stored or has failed. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    while (this.#writing !== undefined || this.#inFlight > 0) await (this.#writing ?? this.#nextAnswer());
    this.#unlisten();
    this.#acks.close();
  }

  /**
   * Finds, before a message is queued, each fault that would make the client library throw in the middle of a batch.
   */
  #problemOf(message: Message): MeshError | undefined {
    // A server of an earlier version may accept less than a stream.
    const { max_payload: maxPayload = MAX_PAYLOAD_BYTES } = this.#connection.nc.info ?? {};
    return messageProblem(message, Math.min(this.#options.maxMessageBytes, maxPayload));
  }

  async #write(): Promise<void> {
    // Messages that are published in the same tick are sent together.
    await Promise.resolve();
    const { minBatch, maxInFlight } = this.#singles;
    while (this.#queue.length > 0 || this.#again.length > 0) {
      const isFew = this.#queue.length < minBatch && this.#inFlight < maxInFlight;
      if (this.#again.length === 0 && isFew) this.#sendAhead();
      else if (this.#inFlight > 0) await this.#nextAnswer();
      else await this.#storeNext();
    }
    this.#writing = undefined;
  }

  #nextAnswer(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer = resolve;
    });
  }

  /** Sends the first message of the queue without waiting for its answer. */
  #sendAhead(): void {
    const pending = this.#queue.shift();
    if (pending === undefined) return;
    this.#queuedBytes -= pending.bytes;
    if (stillToSend([pending]).length === 0) return;
    this.#inFlight++;
    void this.#sendSingle(pending).then((outcome) => {
      this.#inFlight--;
      this.#again.push(...settleOutcomes([pending], [outcome]));
      if (this.#again.length > 0) this.#writing ??= this.#write();
      this.#onAnswer();
    });
  }

  /**
   * Stores one write: messages to be sent again, or else queued ones. Unanswered messages are sent again with the same
   * ids, until each is stored, refused, or out of time.
   */
  async #storeNext(): Promise<void> {
    this.#again = stillToSend(this.#again);
    const batch = this.#again.length > 0 ? this.#again.splice(0, this.#fit(this.#again)) : this.#takeQueued();
    if (batch.length === 0) return;
    const outcomes = batch.length === 1 ? await this.#sendSingly(batch) : await this.#sendBatch(batch);
    this.#again.unshift(...settleOutcomes(batch, outcomes));
    if (outcomes.some((outcome) => "again" in outcome)) this.#giveUpLate();
    else return;
    if (this.#again.length > 0) await delay(RETRY_PAUSE_MS);
  }

  #takeQueued(): Pending[] {
    const batch = this.#queue.splice(0, this.#fit(this.#queue));
    for (const { bytes } of batch) this.#queuedBytes -= bytes;
    return stillToSend(batch);
  }

  /** How many messages, from the first on, go into one write. */
  #fit(waiting: readonly Pending[]): number {
    const maxBytes = this.#line.bytes;
    let [count, total] = [0, 0];
    for (const { bytes } of waiting) {
      total += bytes;
      if (count >= MAX_BATCH_MESSAGES || (count > 0 && total > maxBytes)) break;
      count++;
    }
    return count;
  }

  /**
   * While a server does not answer, messages queued behind a write run out of time as well, though they were never
   * sent.
   */
  #giveUpLate(): void {
    this.#again = inTime(this.#again);
    this.#queue = inTime(this.#queue);
    this.#queuedBytes = bytesOf(this.#queue);
  }

  /** Sends a write, and measures the line by its answer. */
  async #exchange(batch: readonly Pending[], send: (reply: string) => void): Promise<Ack> {
    const bytes = bytesOf(batch);
    this.#inFlightBytes += bytes;
    // The write waits behind everything that is on its way.
    const lineBytes = this.#inFlightBytes;
    const startMs = performance.now();
    const leftMs = (batch[0]?.deadlineMs ?? startMs) - startMs;
    const ack = await this.#acks.exchange(
      batch.map(({ message }) => message.subject),
      send,
      {
        waitMs: this.#line.waitMs(lineBytes, leftMs),
        onLate: (late) => {
          this.#line.answered(lineBytes, performance.now() - startMs);
          noteLate(batch, late);
        },
      },
    );
    this.#inFlightBytes -= bytes;
    if (ack.kind === "stored") this.#line.answered(lineBytes, performance.now() - startMs);
    else if (ack.kind === "unknown" && startMs >= this.#doubtedMs) {
      this.#doubtedMs = performance.now();
      this.#line.timedOut(lineBytes);
    }
    return ack;
  }

  /**
   * All or nothing. When the server refuses a batch because of one member, the messages are sent again singly: each
   * good one is stored once.
   */
  async #sendBatch(batch: readonly Pending[]): Promise<readonly Outcome[]> {
    const id = randomId();
    const { nc } = this.#connection;
    const ack = await this.#exchange(batch, (reply) => {
      const members = batch.map(({ message: { subject, body }, headers }, i): RawMessage => {
        const member = headers + batchHeaders(id, i, batch.length);
        if (i < batch.length - 1) return { subject, headers: member, body };
        return { subject, headers: member, body, reply };
      });
      publishRaw(nc, members);
    });
    if (ack.kind === "stored") return batch.map((_, i) => ({ stored: receiptOf(ack, i, batch.length) }));
    if (ack.kind === "unknown") return batch.map(() => outcomeOf(ack));
    return this.#sendSingly(batch);
  }

  /**
   * Sends one after the other, up to the first that is to be sent again. Later messages have no outcome, since they
   * were not sent.
   */
  async #sendSingly(batch: readonly Pending[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const pending of batch) {
      const outcome = await this.#sendSingle(pending);
      outcomes.push(outcome);
      if ("again" in outcome) break;
    }
    return outcomes;
  }

  async #sendSingle(pending: Pending): Promise<Outcome> {
    const { message, headers, stored } = pending;
    if (stored !== undefined) return { stored };
    const ack = await this.#exchange([pending], (reply) => {
      const { subject, body } = message;
      publishRaw(this.#connection.nc, [{ subject, headers, body, reply }]);
    });
    if (ack.kind === "denied" && !pending.wasRefused) {
      pending.wasRefused = true;
      return { again: new MeshError("unavailable", `the server refused a publish to ${ack.subject} once`) };
    }
    if (ack.kind !== "stored" || !ack.duplicate || !this.#options.checksDuplicates) return outcomeOf(ack);
    return (await this.#problemOfDuplicate(pending, ack)) ?? outcomeOf(ack);
  }

  /**
   * Checks a publish that the server calls a duplicate; undefined when it is one. A message whose id another message
   * has is sent again under another id.
   */
  async #problemOfDuplicate(
    pending: Pending,
    place: { readonly stream: string; readonly seq: number },
  ): Promise<Outcome | undefined> {
    const { message, id } = pending;
    const problem = await problemOfDuplicate(this.#connection.nc, { subject: message.subject, id }, place);
    if (problem === undefined) return undefined;
    if (problem.isIdTaken) {
      pending.id = this.#connection.ids.of(message.subject, message.id, randomId());
      pending.headers = headersOf(message, pending.id);
    }
    return { again: problem.error };
  }
}

function headersOf({ headers }: Message, id: string): string {
  return headerBlock(headers, `Nats-Msg-Id: ${id}\r\n`);
}

function bytesOf(batch: readonly Pending[]): number {
  let total = 0;
  for (const { bytes } of batch) total += bytes;
  return total;
}
