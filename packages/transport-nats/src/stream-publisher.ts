import { MeshError, type Message, type PublishReceipt } from "@adaos/core";
import { nuid } from "nats";
import { AckInbox } from "./ack-inbox.ts";
import type { Connection } from "./connection.ts";
import { headerBlock, toSend } from "./header-block.ts";
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
}

/** The server takes at most 1000; half of that loses nothing in speed and shortens what a refusal repeats. */
const MAX_BATCH_MESSAGES = 500;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/**
 * Fewer than these go singly. A batch costs the server 2 to 3 ms however few it holds, a message alone 0.3 to 0.5 ms to and
 * fro with a disk sync, and 0.23 ms among others on their way (nats-server 2.15.1, ext4).
 */
const ORDERED = { minBatch: 6, maxInFlight: 1 };
const UNORDERED = { minBatch: 20, maxInFlight: 20 };
const RETRY_PAUSE_MS = 100;
/** Left free of the server's `max_payload` for our headers, batch headers included. */
const HEADER_ROOM_BYTES = 4096;

interface Pending {
  readonly message: Message;
  /** As {@link headerBlock} writes them. */
  readonly headers: string;
  readonly deadlineMs: number;
  /** Aborted: its caller will publish it anew, so that sending it again would only disturb the order. */
  readonly signal: AbortSignal | undefined;
  /** An earlier attempt may have stored it, so that no later refusal is certain. */
  unsure: boolean;
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
 * In order, one write is on its way at a time, and nothing is sent behind one that has to be sent again: a server that reads
 * its config refuses messages for a few ms and takes the next. Where order means nothing, singles do not wait for each
 * other.
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
    if (this.#queue.length >= maxQueued || this.#queuedBytes + message.body.length > maxQueuedBytes) {
      const queued = `${this.#queue.length} messages (${this.#queuedBytes} bytes)`;
      return Promise.reject(
        new MeshError("backpressure", `${queued} wait to be stored; publish more slowly`),
      );
    }
    const problem = this.#problemOf(message);
    if (problem !== undefined) return Promise.reject(problem);
    const headers = headerBlock({ "Nats-Msg-Id": message.id, ...message.headers });
    const deadlineMs = performance.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      this.#queue.push({ message, headers, deadlineMs, signal, unsure: false, resolve, reject });
      this.#queuedBytes += message.body.length;
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
  #problemOf({ subject, id, headers, body }: Message): MeshError | undefined {
    // Over a space in a subject the server ends the connection, and of everybody on it; a wildcard it would store.
    if (!/^[!-)+-=?-~]+$/.test(subject) || !/^[ -~]+$/.test(id)) {
      const what = `message ${JSON.stringify(id)} to ${JSON.stringify(subject)}`;
      return new MeshError("invalid-event", `${what} has an id or a subject that no message can have`);
    }
    const maxBytes = (this.#connection.nc.info?.max_payload ?? 1_048_576) - HEADER_ROOM_BYTES;
    if (body.length > maxBytes) {
      return new MeshError(
        "too-large",
        `message to ${subject} is ${body.length} bytes, the server takes ${maxBytes}`,
      );
    }
    for (const [key, value] of Object.entries(headers)) {
      if (/^[!-9;-~]+$/.test(key) && /^[ -~]*$/.test(value) && !key.toLowerCase().startsWith("nats-"))
        continue;
      return new MeshError(
        "invalid-event",
        `message header ${JSON.stringify(key)} is reserved or not printable ASCII`,
      );
    }
    return undefined;
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
    this.#queuedBytes -= pending.message.body.length;
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
    let bytes = 0;
    let count = 0;
    for (const { message } of this.#queue) {
      if (count >= MAX_BATCH_MESSAGES || (count > 0 && bytes + message.body.length > MAX_BATCH_BYTES)) break;
      bytes += message.body.length;
      count++;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  /** Ends every promise of a batch, trying again with the same ids until each is stored, refused, or out of time. */
  async #storeAll(batch: readonly Pending[]): Promise<void> {
    let left = withdrawAborted(batch);
    while (left.length > 0) {
      const outcomes = left.length === 1 ? await this.#sendSingly(left) : await this.#sendBatch(left);
      left = settleOutcomes(left, outcomes);
      if (outcomes.some((outcome) => "again" in outcome)) this.#giveUpLate();
      if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
      left = withdrawAborted(left);
    }
  }

  /** While a server does not answer, what waits behind a write runs out of time as well, though it was never sent. */
  #giveUpLate(): void {
    const nowMs = performance.now();
    const first = this.#queue.findIndex(({ deadlineMs }) => nowMs < deadlineMs);
    for (const { message, reject } of this.#queue.splice(0, first === -1 ? this.#queue.length : first)) {
      this.#queuedBytes -= message.body.length;
      reject(notSent());
    }
  }

  /** All or nothing. A batch that is refused for the sake of one member is sent again singly: the good are stored once. */
  async #sendBatch(batch: readonly Pending[]): Promise<readonly Outcome[]> {
    const id = nuid.next();
    const { nc } = this.#connection;
    const ack = await this.#acks.exchange(
      batch.map(({ message }) => message.subject),
      (reply) => {
        for (const [i, { message, headers }] of batch.entries()) {
          const member = `${headers}Nats-Batch-Id: ${id}\r\nNats-Batch-Sequence: ${i + 1}\r\n`;
          if (i < batch.length - 1) nc.publish(message.subject, message.body, { headers: toSend(member) });
          else {
            const last = toSend(`${member}Nats-Batch-Commit: 1\r\n`);
            nc.publish(message.subject, message.body, { headers: last, reply });
          }
        }
      },
    );
    if (ack.kind === "stored") {
      const { stream, seq } = ack;
      return batch.map((_, i) => ({ stored: { stream, seq: seq - batch.length + 1 + i, duplicate: false } }));
    }
    if (ack.kind === "unknown") return batch.map(() => outcomeOf(ack));
    return this.#sendSingly(batch);
  }

  /** One after the other, up to the first that is to be sent again: what comes after it has no outcome, since it was not sent. */
  async #sendSingly(batch: readonly Pending[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const pending of batch) {
      const outcome = await this.#sendSingle(pending);
      outcomes.push(outcome);
      if ("again" in outcome) break;
    }
    return outcomes;
  }

  async #sendSingle({ message, headers }: Pending): Promise<Outcome> {
    const ack = await this.#acks.exchange([message.subject], (reply) => {
      this.#connection.nc.publish(message.subject, message.body, { headers: toSend(headers), reply });
    });
    return outcomeOf(ack);
  }
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

/** A stream looks for the id before it refuses; who is not let to the stream, or is cut off from it, learns nothing of that. */
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
