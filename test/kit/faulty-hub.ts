import {
  MeshError,
  type MeshErrorCode,
  type Message,
  type PublishReceipt,
  type Transport,
} from "@adaos/core";
import { delay } from "@adaos/core/wire";
import { NO_DOCUMENTS, NO_TIMERS } from "./stand-ins.ts";

/** The hub's answer to one write, which contains all messages of the same moment. */
export type HubAnswer = "stored" | "lost answer" | "not stored" | MeshErrorCode;

interface Sent {
  readonly message: Message;
  readonly signal: AbortSignal | undefined;
  resolve(receipt: PublishReceipt): void;
  reject(error: MeshError): void;
}

/**
 * A hub that answers as a test says and stores each id once. Like the real way it keeps the publishing order: an
 * unanswered write is sent again before any other.
 */
export class FaultyHub {
  readonly stored: string[] = [];
  /** Ids in the order in which they were sent, repetitions included. */
  readonly sent: string[] = [];
  connected = true;
  /** Answers to the next writes; later ones are stored. */
  answers: HubAnswer[] = [];
  readonly denied = new Set<string>();
  /** Attempts at an unanswered write. */
  maxAttempts = 30;
  isClosed = false;
  /** While it is set, no write is answered. */
  isFrozen = false;
  /** Size limit of one write. */
  maxBytes = 4 * 1024 * 1024;
  /** Number of messages in each write. */
  readonly writes: number[] = [];
  readonly #listeners = new Set<{ onDisconnect?(): void; onReconnect?(): void }>();
  readonly #queue: Sent[] = [];
  #writing: Promise<void> | undefined;

  readonly transport: Transport = {
    capabilities: { duplicateWindowMs: 1000 },
    publish: (message, { signal } = {}) => {
      return new Promise((resolve, reject) => {
        this.sent.push(message.id);
        this.#queue.push({ message, signal, resolve, reject });
        this.#writing ??= this.#write();
      });
    },
    subscribe: async () => ({ stop: async () => undefined }),
    timers: NO_TIMERS,
    documents: NO_DOCUMENTS,
    handlersOf: async () => "some",
    awaitReply: () => new Promise(() => undefined),
    ask: () => new Promise(() => undefined),
    close: async () => {
      this.isClosed = true;
      await this.#writing;
    },
  };

  readonly writeBytes = (): number => this.maxBytes;

  listen(listener: { onDisconnect?(): void; onReconnect?(): void }): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  disconnect(): void {
    this.connected = false;
    for (const { onDisconnect } of this.#listeners) onDisconnect?.();
  }

  reconnect(): void {
    this.connected = true;
    for (const { onReconnect } of this.#listeners) onReconnect?.();
  }

  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#queue.length > 0) {
      let batch = this.#queue.splice(0);
      this.writes.push(batch.length);
      for (let attempts = 1; batch.length > 0; attempts++) {
        await delay(1);
        if (attempts === 1) batch = batch.filter((sent) => !this.#withdraw(sent));
        while (this.isFrozen) await delay(1);
        const answer = this.connected ? (this.answers.shift() ?? "stored") : "not stored";
        batch = batch.filter((sent) => !this.#answer(sent, answer, attempts >= this.maxAttempts));
      }
    }
    this.#writing = undefined;
  }

  /** Whether the message is withdrawn unsent. */
  #withdraw({ signal, reject }: Sent): boolean {
    if (signal?.aborted === true) reject(new MeshError("unavailable", "it was withdrawn"));
    return signal?.aborted === true;
  }

  /** Whether the message is settled. */
  #answer({ message: { id }, signal, resolve, reject }: Sent, answer: HubAnswer, isLast: boolean): boolean {
    const isOver = isLast || signal?.aborted === true;
    if (this.denied.has(id)) reject(new MeshError("denied", "not this"));
    else if (answer === "not stored") {
      if (isOver) reject(new MeshError("unavailable", "the hub is away"));
      return isOver;
    } else if (answer !== "stored" && answer !== "lost answer") reject(new MeshError(answer, "no"));
    else {
      const duplicate = this.stored.includes(id);
      if (!duplicate) this.stored.push(id);
      if (answer === "stored") resolve({ stream: "EVENTS_alpha", seq: this.stored.length, duplicate });
      else if (isOver) reject(new MeshError("timeout", "no answer"));
      return answer === "stored" || isOver;
    }
    return true;
  }
}
