import { MAX_EVENT_BYTES, MeshError, type Message, type PublishReceipt } from "@adaos/core";
import { delay, MAX_PAYLOAD_BYTES, messageBytes, messageProblem, randomId } from "@adaos/core/wire";
import type { Connection } from "../connection/connection.ts";
import { headerBlock, publishRaw, type RawMessage } from "../connection/raw-publish.ts";
import { AckInbox } from "../pull/ack-inbox.ts";
import { lookAt } from "./look-at.ts";
import type { Ack } from "./publish-ack.ts";

export interface StreamPublisherOptions {
  /** From call to storage, retries included; then `timeout`, the outcome being unknown. @default 10000 */
  readonly timeoutMs?: number;
  /** Messages waiting for their turn; more are refused with `backpressure`. @default 20000 */
  readonly maxQueued?: number;
  /** Bytes waiting for their turn. @default 64 MiB */
  readonly maxQueuedBytes?: number;
  /** Whether messages are stored in the order of their calls. @default true */
  readonly isOrdered?: boolean;
  /** What the stream takes at most, headers and all. @default {@link MAX_EVENT_BYTES} */
  readonly maxMessageBytes?: number;
  /**
   * Whether a duplicate is looked at before it is reported, which needs the right to read the stream. Nobody else can
   * make one: who has not the right takes the server's word. @default false
   */
  readonly checksDuplicates?: boolean;
}

/** The server takes at most 1000; half of that loses nothing in speed and shortens what a refusal repeats. */
const MAX_BATCH_MESSAGES = 500;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/**
 * Fewer than these go singly. A batch costs the server 2 to 3 ms however few it holds, a message alone 0.3 to 0.5 ms to
 * and fro with a disk sync, and 0.23 ms among others on their way (nats-server 2.15.1, ext4).
 */
const ORDERED = { minBatch: 6, maxInFlight: 1 };
const UNORDERED = { minBatch: 20, maxInFlight: 20 };
const RETRY_PAUSE_MS = 100;

interface Pending {
  readonly message: Message;
  /** By {@link messageBytes}. */
  readonly bytes: number;
  /** By which the server knows it again. */
  id: string;
  /** As {@link headerBlock} writes them. */
  headers: string;
  readonly deadlineMs: number;
  /** Aborted: its caller will publish it anew, so that sending it again would only disturb the order. */
  readonly signal: AbortSignal | undefined;
  /** An earlier attempt may have stored it, so that no later refusal is certain. */
  unsure: boolean;
  /** The server has refused it once. One that reads its config knows the rights of nobody for a moment. */
  wasRefused: boolean;
  resolve(receipt: PublishReceipt): void;
  reject(error: MeshError): void;
}

/** How an attempt to store one message ended; `again` means that it is unknown or may yet succeed. */
type Outcome =
  | { readonly again: MeshError }
  | { readonly stored: PublishReceipt }
  | { readonly failed: MeshError };

/**
 * Publishes to one stream. A few messages go singly; what is asked for faster than that shares an atomic batch, which
 * costs the server one disk sync however many messages it holds.
 *
 * In order, one write is on its way at a time, and nothing is sent behind one that has to be sent again: a server that
 * reads its config refuses messages for a few ms and takes the next. Where order means nothing, singles do not wait for
 * each other.
 */
export class StreamPublisher {
  readonly #connection: Connection;
  readonly #options: Required<StreamPublisherOptions>;
  readonly #acks: AckInbox;
  readonly #queue: Pending[] = [];
  #queuedBytes = 0;
  /** Sent singly and not answered yet. */
  #inFlight = 0;
  /** Sent singly, to be sent again; in order there is one at most. */
  readonly #again: Pending[] = [];
  #onAnswer: () => void = () => undefined;
  #writing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Below how many messages go singly, and how many of these may be on their way. */
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
  }

  /** Stores one message; sends nothing more when `signal` aborts. Rejects as {@link Transport.publish} does. */
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
        resolve,
        reject,
      });
      this.#queuedBytes += bytes;
      this.#writing ??= this.#write();
    });
  }

  /** Waits until everything accepted is stored or has failed. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    while (this.#writing !== undefined || this.#inFlight > 0) await (this.#writing ?? this.#nextAnswer());
    this.#acks.close();
  }

  /** What the client library would throw in the middle of a batch is found before anything is queued. */
  #problemOf(message: Message): MeshError | undefined {
    // A server of an earlier version may take less than a stream.
    const { max_payload: maxPayload = MAX_PAYLOAD_BYTES } = this.#connection.nc.info ?? {};
    return messageProblem(message, Math.min(this.#options.maxMessageBytes, maxPayload));
  }

  async #write(): Promise<void> {
    // Whatever the same tick publishes belongs to the same moment.
    await Promise.resolve();
    const { minBatch, maxInFlight } = this.#singles;
    while (this.#queue.length > 0 || this.#again.length > 0) {
      const isFew = this.#queue.length < minBatch && this.#inFlight < maxInFlight;
      if (this.#again.length === 0 && isFew) this.#sendAhead();
      else if (this.#inFlight > 0) await this.#nextAnswer();
      else await this.#storeAll(this.#again.length > 0 ? this.#again.splice(0) : this.#takeBatch());
    }
    this.#writing = undefined;
  }

  #nextAnswer(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer = resolve;
    });
  }

  /** Sends the first of the queue without waiting for its answer. */
  #sendAhead(): void {
    const pending = this.#queue.shift();
    if (pending === undefined) return;
    this.#queuedBytes -= pending.bytes;
    if (withdrawAborted([pending]).length === 0) return;
    this.#inFlight++;
    void this.#sendSingle(pending).then((outcome) => {
      this.#inFlight--;
      this.#again.push(...settleOutcomes([pending], [outcome]));
      if (this.#again.length > 0) this.#writing ??= this.#write();
      this.#onAnswer();
    });
  }

  #takeBatch(): Pending[] {
    let total = 0;
    let count = 0;
    for (const { bytes } of this.#queue) {
      if (count >= MAX_BATCH_MESSAGES || (count > 0 && total + bytes > MAX_BATCH_BYTES)) break;
      total += bytes;
      count++;
    }
    this.#queuedBytes -= total;
    return this.#queue.splice(0, count);
  }

  /** Ends every promise of a batch, trying again with the same ids until each is stored, refused, or out of time. */
  async #storeAll(batch: readonly Pending[]): Promise<void> {
    let left = withdrawAborted(batch);
    while (left.length > 0) {
      const outcomes = left.length === 1 ? await this.#sendSingly(left) : await this.#sendBatch(left);
      left = settleOutcomes(left, outcomes);
      if (outcomes.some((outcome) => "again" in outcome)) this.#giveUpLate();
      if (left.length > 0) await delay(RETRY_PAUSE_MS);
      left = withdrawAborted(left);
    }
  }

  /** While a server does not answer, what waits behind a write runs out of time as well, though it was never sent. */
  #giveUpLate(): void {
    const nowMs = performance.now();
    const first = this.#queue.findIndex(({ deadlineMs }) => nowMs < deadlineMs);
    for (const { bytes, reject } of this.#queue.splice(0, first === -1 ? this.#queue.length : first)) {
      this.#queuedBytes -= bytes;
      reject(notSent());
    }
  }

  /**
   * All or nothing. A batch that is refused for the sake of one member is sent again singly: the good are stored once.
   */
  async #sendBatch(batch: readonly Pending[]): Promise<readonly Outcome[]> {
    // Stored with the messages, for all who read them: one id must not tell of others.
    const id = randomId();
    const { nc } = this.#connection;
    const ack = await this.#acks.exchange(
      batch.map(({ message }) => message.subject),
      (reply) => {
        const members = batch.map(({ message: { subject, body }, headers }, i): RawMessage => {
          const member = `${headers}Nats-Batch-Id: ${id}\r\nNats-Batch-Sequence: ${i + 1}\r\n`;
          if (i < batch.length - 1) return { subject, headers: member, body };
          return { subject, headers: `${member}Nats-Batch-Commit: 1\r\n`, body, reply };
        });
        publishRaw(nc, members);
      },
    );
    if (ack.kind === "stored") {
      const { stream, seq } = ack;
      return batch.map((_, i) => ({ stored: { stream, seq: seq - batch.length + 1 + i, duplicate: false } }));
    }
    if (ack.kind === "unknown") return batch.map(() => outcomeOf(ack));
    return this.#sendSingly(batch);
  }

  /**
   * One after the other, up to the first that is to be sent again: what comes after it has no outcome, since it was not
   * sent.
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
    const { message, headers } = pending;
    const ack = await this.#acks.exchange([message.subject], (reply) => {
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
   * Nothing where what the server takes for a repetition is one. Else it is sent again, where it has another's place
   * under another id.
   */
  async #problemOfDuplicate(
    pending: Pending,
    { stream, seq }: { readonly stream: string; readonly seq: number },
  ): Promise<Outcome | undefined> {
    const { message } = pending;
    const found = await lookAt(this.#connection.nc, stream, seq);
    if (found === "unknown") {
      const what = `not known to be stored: ${stream} does not tell what it holds at ${seq}`;
      return { again: new MeshError("timeout", what) };
    }
    // Gone since: it was stored, and whoever may has removed it.
    if (found === "gone" || (found.subject === message.subject && found.id === pending.id)) return undefined;
    pending.id = this.#connection.ids.of(message.subject, message.id, randomId());
    pending.headers = headersOf(message, pending.id);
    return {
      again: new MeshError("unavailable", `${found.subject} has the id of a message to ${message.subject}`),
    };
  }
}

function headersOf({ headers }: Message, id: string): string {
  return headerBlock(headers, `Nats-Msg-Id: ${id}\r\n`);
}

function notSent(): MeshError {
  return new MeshError("unavailable", "not sent: the server does not answer what was published before");
}

function outcomeOf(ack: Ack): Outcome {
  switch (ack.kind) {
    case "stored":
      return { stored: { stream: ack.stream, seq: ack.seq, duplicate: ack.duplicate } };
    case "unknown":
      return { again: new MeshError("timeout", `not known to be stored: ${ack.reason}`) };
    case "unavailable":
      return { again: new MeshError("unavailable", ack.reason) };
    case "denied":
      return { failed: new MeshError("denied", `the server refused a publish to ${ack.subject}`) };
    case "failed":
      return { failed: ack.error };
  }
}

/** What is told of a message that may be stored, whatever the last attempt said. */
function unknownOutcome(last: MeshError): MeshError {
  return last.code === "timeout"
    ? last
    : new MeshError("timeout", `not known to be stored: ${last.message}`, { cause: last });
}

/**
 * A stream looks for the id before it refuses; who is not let to the stream, or is cut off from it, learns nothing of
 * that.
 */
function isCertain({ unsure }: Pending, { code }: MeshError): boolean {
  return !unsure || (code !== "denied" && code !== "closed");
}

/** Ends the promises of what must not be sent any more; returns the rest. */
function withdrawAborted(batch: readonly Pending[]): readonly Pending[] {
  return batch.filter(({ signal, unsure, reject }) => {
    if (signal?.aborted !== true) return true;
    const withdrawn = new MeshError("unavailable", "not sent: it was withdrawn");
    reject(unsure ? unknownOutcome(withdrawn) : withdrawn);
    return false;
  });
}

/** Ends the promises whose outcome is final or whose time is up; returns the rest. What has no outcome was not sent. */
function settleOutcomes(batch: readonly Pending[], outcomes: readonly Outcome[]): Pending[] {
  const nowMs = performance.now();
  return batch.filter((pending, i) => {
    const outcome = outcomes[i] ?? { again: notSent() };
    if ("stored" in outcome) pending.resolve(outcome.stored);
    else if ("failed" in outcome)
      pending.reject(isCertain(pending, outcome.failed) ? outcome.failed : unknownOutcome(outcome.failed));
    else {
      pending.unsure ||= outcome.again.code === "timeout";
      if (nowMs < pending.deadlineMs && pending.signal?.aborted !== true) return true;
      pending.reject(pending.unsure ? unknownOutcome(outcome.again) : outcome.again);
    }
    return false;
  });
}
