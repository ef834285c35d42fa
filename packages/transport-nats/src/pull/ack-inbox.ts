import { MeshError } from "@adaos/core";
import type { Msg, Subscription } from "nats";
import type { Connection } from "../connection/connection.ts";
import { type Ack, parseAck } from "../publish/publish-ack.ts";

/** A server that has not answered after this time is considered lost. */
const ACK_WAIT_MS = 2500;
const SWEEP_MS = 250;
/** Writes that were given up and may still be answered; each keeps its messages. */
const MAX_LATE = 8;

interface Waiting {
  readonly subjects: readonly string[];
  readonly untilMs: number;
  readonly waitMs: number;
  readonly read: (answer: Msg) => Ack | undefined;
  readonly onLate: ((ack: Ack) => void) | undefined;
  done(ack: Ack): void;
}

/** How to wait for the answer to a write. */
export interface ExchangeOptions {
  /** How long to wait. @default 2500 */
  readonly waitMs?: number;
  /** Reads an answer; undefined: another one follows. @default parseAck */
  readonly read?: (answer: Msg) => Ack | undefined;
  /** Called with an answer that comes after the wait, so that a slow line loses no answer. */
  readonly onLate?: (ack: Ack) => void;
}

/** Receives the answers to a connection's writes: one subscription and one timer, however many wait. */
export class AckInbox {
  readonly #connection: Connection;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #unlisten: () => void;
  readonly #waiting = new Map<string, Waiting>();
  readonly #late = new Map<string, Waiting>();
  #count = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#inbox = connection.newInbox();
    this.#subscription = connection.nc.subscribe(`${this.#inbox}.>`, {
      callback: (error, msg) => {
        if (error === null) this.#onAnswer(msg);
      },
    });
    this.#unlisten = connection.listen({
      onDisconnect: () => {
        this.#late.clear();
        this.#answerAll({ kind: "unknown", reason: "the connection was lost" });
      },
      onPublishDenied: (subject) => this.#answerAll({ kind: "denied", subject }, subject),
    });
  }

  /** Sends a write to `subjects`, then waits for its answer on that reply subject or one level below. Never rejects. */
  exchange(
    subjects: readonly string[],
    send: (reply: string) => void,
    { waitMs = ACK_WAIT_MS, read = parseAck, onLate }: ExchangeOptions = {},
  ): Promise<Ack> {
    if (this.#connection.nc.isClosed())
      return Promise.resolve({ kind: "failed", error: new MeshError("closed", "the connection is closed") });
    // Do not send while the server is away: the client drops its buffer at the reconnect.
    if (!this.#connection.connected)
      return Promise.resolve({ kind: "unavailable", reason: "the server is away" });
    return new Promise((done) => {
      const token = (this.#count++).toString(36);
      this.#waiting.set(token, { subjects, untilMs: performance.now() + waitMs, waitMs, read, onLate, done });
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
      send(`${this.#inbox}.${token}`);
    });
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#unlisten();
    this.#subscription.unsubscribe();
    this.#late.clear();
    this.#answerAll({ kind: "unknown", reason: "nobody waits for it any more" });
  }

  #onAnswer(msg: Msg): void {
    const from = this.#inbox.length + 1;
    const end = msg.subject.indexOf(".", from);
    const token = msg.subject.slice(from, end === -1 ? undefined : end);
    const waiting = this.#waiting.get(token) ?? this.#late.get(token);
    const ack = waiting?.read(msg);
    if (ack === undefined) return;
    if (this.#late.delete(token)) return waiting?.onLate?.(ack);
    this.#waiting.delete(token);
    waiting?.done(ack);
  }

  /** @param subject Answers only what was sent there. */
  #answerAll(ack: Ack, subject?: string): void {
    for (const [token, { subjects, done }] of this.#waiting) {
      if (subject !== undefined && !subjects.includes(subject)) continue;
      this.#waiting.delete(token);
      done(ack);
    }
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const [token, waiting] of this.#waiting) {
      const { untilMs, waitMs, onLate, done } = waiting;
      if (untilMs > nowMs) continue;
      this.#waiting.delete(token);
      if (onLate !== undefined) this.#keepLate(token, waiting);
      done({ kind: "unknown", reason: `no answer in ${Math.round(waitMs)} ms` });
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #keepLate(token: string, waiting: Waiting): void {
    this.#late.set(token, waiting);
    const [oldest] = this.#late.keys();
    if (this.#late.size > MAX_LATE && oldest !== undefined) this.#late.delete(oldest);
  }
}
