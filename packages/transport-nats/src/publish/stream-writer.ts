import { MeshError, type Message } from "@adaos/core";
import { MAX_EVENT_BYTES, MAX_PAYLOAD_BYTES, messageProblem, randomId } from "@adaos/core/wire";
import type { Connection } from "../connection/connection.ts";
import { headerBlock, publishRaw, type RawMessage } from "../connection/raw-publish.ts";
import { AckInbox } from "../pull/ack-inbox.ts";
import { batchHeaders, MAX_BATCH_MESSAGES } from "./atomic-batch.ts";
import { problemOfDuplicate } from "./duplicate-check.ts";
import { FastAnswers, fastReply } from "./fast-batch.ts";
import type { Ack } from "./publish-ack.ts";

export interface StreamWriterOptions {
  /** Whether to look at a duplicate before reporting it, which needs the right to read the stream. */
  readonly checksDuplicates: boolean;
  /** Whether this connection may write fast batches: the stream allows them, and is in the connection's account. */
  readonly takesFastBatches: boolean;
}

/** A message to be written, and whether an earlier write may have stored it. */
export interface Outgoing {
  readonly message: Message;
  readonly mayBeStored: boolean;
}

/** The first `stored` messages of a write are stored; `error` says why the next one is not, or may not be. */
export interface WriteResult {
  readonly stored: number;
  readonly error?: MeshError;
}

/**
 * An atomic batch costs the server 1.8 ms of processor time however few it holds. A message alone costs it 0.33 ms, in
 * a fast batch of some 0.15 ms (nats-server 2.15.1, ext4, synced).
 */
const MIN_ATOMIC = { alone: 6, fast: 13 };

/**
 * Writes messages to one stream in order, one write at a time. It sends nothing behind a message before that one is
 * known to be stored. The reason: a server that reads its config refuses messages for a few ms and accepts the next
 * one.
 */
export class StreamWriter {
  readonly #connection: Connection;
  readonly #options: StreamWriterOptions;
  readonly #acks: AckInbox;
  readonly #minAtomic: number;
  /** A message whose id another message has, and the salt for its replacement id. */
  #salt: { readonly message: Message; readonly salt: string } | undefined;

  constructor(connection: Connection, options: StreamWriterOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#acks = new AckInbox(connection);
    this.#minAtomic = options.takesFastBatches ? MIN_ATOMIC.fast : MIN_ATOMIC.alone;
  }

  /** How many of the waiting messages to send in one write. */
  sizeFor(waiting: number): number {
    return waiting < this.#minAtomic && !this.#options.takesFastBatches
      ? 1
      : Math.min(waiting, MAX_BATCH_MESSAGES);
  }

  /** Stores at least the first message, or says why not. Never rejects; call it again when it has resolved. */
  async write(batch: readonly Outgoing[], waitMs: number): Promise<WriteResult> {
    const problems = batch.map(({ message }) => this.#problemOf(message));
    const bad = problems.findIndex((problem) => problem !== undefined);
    const error = problems[bad];
    if (bad === 0 && error !== undefined) return { stored: 0, error };
    const good = bad === -1 ? batch : batch.slice(0, bad);
    return good.length === 1 ? await this.#writeOne(good[0], waitMs) : await this.#writeMany(good, waitMs);
  }

  /** Call it only while no write is on its way. */
  close(): void {
    this.#acks.close();
  }

  #problemOf(message: Message): MeshError | undefined {
    // A server of an earlier version may accept less than a stream.
    const { max_payload: maxPayload = MAX_PAYLOAD_BYTES } = this.#connection.nc.info ?? {};
    return messageProblem(message, Math.min(MAX_EVENT_BYTES, maxPayload));
  }

  async #writeMany(batch: readonly Outgoing[], waitMs: number): Promise<WriteResult> {
    // A fast batch skips stored duplicates without saying so. Use it only for messages that cannot be stored yet.
    const isNew = !batch.some(({ mayBeStored }) => mayBeStored);
    if (isNew && this.#options.takesFastBatches && batch.length < this.#minAtomic)
      return await this.#writeFast(batch, waitMs);
    const ack = await this.#sendAtomic(batch, waitMs);
    if (ack.kind === "stored") return { stored: batch.length };
    if (ack.kind === "unknown" || ack.kind === "unavailable") return { stored: 0, error: errorOf(ack) };
    // Refused because of one message: write one by one, up to that message.
    for (const [stored, outgoing] of batch.entries()) {
      const { error } = await this.#writeOne(outgoing, waitMs);
      if (error !== undefined) return { stored, error };
    }
    return { stored: batch.length };
  }

  /** All or nothing, with one disk sync. */
  #sendAtomic(batch: readonly Outgoing[], waitMs: number): Promise<Ack> {
    const id = randomId();
    const publishes = (reply: string): RawMessage[] =>
      batch.map(({ message }, i) => {
        const headers = this.#headersOf(message) + batchHeaders(id, i, batch.length);
        const { subject, body } = message;
        return { subject, headers, body, ...(i === batch.length - 1 ? { reply } : {}) };
      });
    return this.#acks.exchange(
      batch.map(({ message }) => message.subject),
      (reply) => publishRaw(this.#connection.nc, publishes(reply)),
      { waitMs },
    );
  }

  /** In order, up to the first message that is refused or lost. */
  async #writeFast(batch: readonly Outgoing[], waitMs: number): Promise<WriteResult> {
    const id = randomId();
    const answers = new FastAnswers();
    const publishes = (inbox: string): RawMessage[] =>
      batch.map(({ message }, i) => {
        const { subject, body } = message;
        const headers = this.#headersOf(message);
        return { subject, headers, body, reply: fastReply(inbox, id, i, batch.length) };
      });
    const ack = await this.#acks.exchange(
      batch.map(({ message }) => message.subject),
      (inbox) => publishRaw(this.#connection.nc, publishes(inbox)),
      { waitMs, read: answers.read },
    );
    if (ack.kind !== "stored") return { stored: 0, error: errorOf(ack) };
    const stored = Math.min(ack.count ?? 0, batch.length);
    if (stored === batch.length) return { stored };
    const { refusal } = answers;
    if (refusal !== undefined && refusal.kind !== "stored") return { stored, error: errorOf(refusal) };
    return { stored, error: new MeshError("unavailable", "the server has not got all of a batch") };
  }

  async #writeOne(outgoing: Outgoing | undefined, waitMs: number): Promise<WriteResult> {
    if (outgoing === undefined) return { stored: 0 };
    const { message } = outgoing;
    const { subject, body } = message;
    const ack = await this.#acks.exchange(
      [subject],
      (reply) =>
        publishRaw(this.#connection.nc, [{ subject, headers: this.#headersOf(message), body, reply }]),
      { waitMs },
    );
    if (ack.kind !== "stored") return { stored: 0, error: errorOf(ack) };
    const error =
      ack.duplicate && this.#options.checksDuplicates
        ? await this.#problemOfDuplicate(message, ack)
        : undefined;
    return error === undefined ? { stored: 1 } : { stored: 0, error };
  }

  /**
   * Checks a publish that the server calls a duplicate; undefined when it is one. A message whose id another message
   * has gets another id, under which it is to be sent again.
   */
  async #problemOfDuplicate(
    message: Message,
    place: { readonly stream: string; readonly seq: number },
  ): Promise<MeshError | undefined> {
    const { subject } = message;
    const repeated = { subject, id: this.#idOf(message) };
    const problem = await problemOfDuplicate(this.#connection.nc, repeated, place);
    if (problem?.isIdTaken === true) this.#salt = { message, salt: randomId() };
    return problem?.error;
  }

  #idOf(message: Message): string {
    const salt = this.#salt?.message === message ? this.#salt.salt : "";
    return this.#connection.ids.of(message.subject, message.id, salt);
  }

  #headersOf(message: Message): string {
    return headerBlock(message.headers, `Nats-Msg-Id: ${this.#idOf(message)}\r\n`);
  }
}

function errorOf(ack: Exclude<Ack, { kind: "stored" }>): MeshError {
  switch (ack.kind) {
    case "unknown":
      return new MeshError("timeout", `not known to be stored: ${ack.reason}`);
    case "unavailable":
      return new MeshError("unavailable", ack.reason);
    case "denied":
      return new MeshError("denied", `the server refused a publish to ${ack.subject}`);
    case "failed":
      return ack.error;
  }
}
