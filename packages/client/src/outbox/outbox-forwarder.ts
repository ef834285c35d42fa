import { type Logger, MeshError, type MeshErrorCode, type Message, type Transport } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import { nameOf } from "./in-flight.ts";
import type { Outbox } from "./outbox.ts";
import type { Hub } from "./outbox-transport-options.ts";
import type { RefusedLog } from "./refused-log.ts";

/** An event that the server refuses for a reason unknown to us is sent this often. */
const MAX_UNEXPLAINED = 20;
const PASSING: ReadonlySet<MeshErrorCode> = new Set(["unavailable", "timeout", "closed"]);

/** Whether the outcome is unknown, or may change later. */
export function isPassing({ code }: MeshError): boolean {
  return PASSING.has(code);
}

interface ForwarderOptions {
  readonly outbox: Outbox;
  readonly refusedLog: RefusedLog;
  readonly batchMessages: number;
  readonly retryMs: number;
  readonly log: Logger;
}

interface ForwarderPort {
  /** The hub that accepts forwarded messages; undefined while forwarding is not allowed. */
  hub(): Hub | undefined;
  /** The hub has accepted a batch. */
  onFlow(): void;
  /** The hub has not accepted an event, which will be tried again. */
  onStop(): void;
  /** Forwarding has ended, for any reason. */
  onEnd(): void;
}

/** Sends the messages of an outbox to the hub in order, as many at a time as one write holds. */
export class OutboxForwarder {
  readonly #options: ForwarderOptions;
  readonly #port: ForwarderPort;
  readonly #outbox: Outbox;
  readonly #log: Logger;
  /** Subjects and ids of messages in the outbox that need not be sent any more. */
  readonly #finished = new Set<string>();
  #forwarding: Promise<void> | undefined;
  #isFailing = false;
  #unexplained = 0;
  #refused = 0;

  constructor(options: ForwarderOptions, port: ForwarderPort) {
    this.#options = options;
    this.#port = port;
    this.#outbox = options.outbox;
    this.#log = options.log;
  }

  /** Number of events that were accepted here and then refused by the hub. */
  get refused(): number {
    return this.#refused;
  }

  /** Resolves when nothing is being forwarded. */
  get ended(): Promise<void> {
    return this.#forwarding ?? Promise.resolve();
  }

  /** The message needs no more work: it is not sent when its turn comes. */
  passOver(message: Message): void {
    this.#finished.add(nameOf(message));
  }

  /** Forwards all waiting messages, unless that is under way. */
  start(): void {
    if (this.#forwarding !== undefined) return;
    this.#forwarding = this.#forwardAll()
      .catch((err: unknown) => this.#log.error({ err }, "outbox not forwarded"))
      .finally(() => {
        this.#forwarding = undefined;
        this.#port.onEnd();
      });
  }

  async #forwardAll(): Promise<void> {
    const { batchMessages, retryMs } = this.#options;
    let width = batchMessages;
    for (let hub = this.#port.hub(); hub !== undefined; hub = this.#port.hub()) {
      const { transport, writeBytes } = hub;
      const batch = await this.#outbox.peek(width, writeBytes());
      if (batch.length === 0) return;
      const endings = await Promise.all(batch.map((message) => this.#forwardOne(transport, message)));
      const again = endings.findIndex((ending) => ending !== undefined);
      // A finished message behind an unfinished one stays in the file, and is skipped when its turn comes.
      const count = again === -1 ? batch.length : again;
      for (const [i, message] of batch.entries()) {
        if (i > count && endings[i] === undefined && message !== undefined) this.passOver(message);
      }
      this.#noteFlow(endings[again]);
      await this.#outbox.advance(count);
      // After a failure, one message tests whether the hub accepts any: a hub that is full or hangs is not asked 500
      // times.
      width = again === -1 ? batchMessages : 1;
      if (again !== -1) await delay(retryMs);
    }
  }

  /** Resolves with undefined when the message is done, else with why it has to be tried again. Never rejects. */
  async #forwardOne(transport: Transport, message: Message | undefined): Promise<MeshError | undefined> {
    if (message === undefined) {
      this.#refused++;
      this.#log.error({}, "an event in the outbox cannot be read any more");
      return undefined;
    }
    if (this.#finished.delete(nameOf(message))) return undefined;
    try {
      await transport.publish(message);
      this.#unexplained = 0;
      return undefined;
    } catch (thrown) {
      const error = MeshError.from(thrown, "internal", "publish failed");
      if (isPassing(error) || error.code === "backpressure") return error;
      if (error.code === "internal" && ++this.#unexplained < MAX_UNEXPLAINED) return error;
      await this.#setAside(message, error);
      return undefined;
    }
  }

  /** The message was confirmed to its caller long ago, so the caller can no longer get the error. */
  async #setAside(message: Message, error: MeshError): Promise<void> {
    const { subject, id, body } = message;
    const { refusedLog } = this.#options;
    this.#refused++;
    this.#log.error({ id, subject, err: error, file: refusedLog.path }, "event in the outbox refused");
    try {
      await refusedLog.add(message, error);
    } catch (err) {
      // The message must not block the rest; only the log is left to keep it.
      this.#log.error({ id, subject, body: Buffer.from(body).toString(), err }, "refused event not kept");
    }
  }

  #noteFlow(error: MeshError | undefined): void {
    if (error === undefined) this.#port.onFlow();
    else this.#port.onStop();
    if (error !== undefined && !this.#isFailing) {
      this.#log.warn({ waiting: this.#outbox.waiting, reason: error.message }, "outbox waits for the hub");
    }
    this.#isFailing = error !== undefined;
  }
}
