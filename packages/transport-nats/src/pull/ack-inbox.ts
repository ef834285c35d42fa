import { MeshError } from "@adaos/core";
import type { Msg, Subscription } from "nats";
import type { Connection } from "../connection/connection.ts";
import { type Ack, parseAck } from "../publish/publish-ack.ts";

/** A server that has not answered in this time is taken not to answer any more. */
const ACK_WAIT_MS = 2500;
const SWEEP_MS = 250;

interface Waiting {
  readonly subjects: readonly string[];
  readonly sinceMs: number;
  done(ack: Ack): void;
}

/** Where a connection's writes are answered: one subscription and one timer, however many wait. */
export class AckInbox {
  readonly #connection: Connection;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #unlisten: () => void;
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#inbox = connection.newInbox();
    this.#subscription = connection.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#onAnswer(msg);
      },
    });
    this.#unlisten = connection.listen({
      onDisconnect: () => this.#answerAll({ kind: "unknown", reason: "the connection was lost" }),
      onPublishDenied: (subject) => this.#answerAll({ kind: "denied", subject }, subject),
    });
  }

  /** Sends a write to `subjects`, then waits for its one answer. Never rejects. */
  exchange(subjects: readonly string[], send: (reply: string) => void): Promise<Ack> {
    if (this.#connection.nc.isClosed())
      return Promise.resolve({ kind: "failed", error: new MeshError("closed", "the connection is closed") });
    // While the server is away, what the client buffers is thrown away at the reconnect: do not send at all.
    if (!this.#connection.connected)
      return Promise.resolve({ kind: "unavailable", reason: "the server is away" });
    return new Promise((done) => {
      const token = (this.#count++).toString(36);
      this.#waiting.set(token, { subjects, sinceMs: performance.now(), done });
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
      send(`${this.#inbox}.${token}`);
    });
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#unlisten();
    this.#subscription.unsubscribe();
  }

  #onAnswer(msg: Msg): void {
    const token = msg.subject.slice(this.#inbox.length + 1);
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    waiting?.done(parseAck(msg));
  }

  /** @param subject Only what was sent there. */
  #answerAll(ack: Ack, subject?: string): void {
    for (const [token, { subjects, done }] of this.#waiting) {
      if (subject !== undefined && !subjects.includes(subject)) continue;
      this.#waiting.delete(token);
      done(ack);
    }
  }

  #sweep(): void {
    const untilMs = performance.now() - ACK_WAIT_MS;
    for (const [token, { sinceMs, done }] of this.#waiting) {
      if (sinceMs > untilMs) break;
      this.#waiting.delete(token);
      done({ kind: "unknown", reason: `no answer in ${ACK_WAIT_MS} ms` });
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
