import { type Logger, MeshError, type MeshErrorCode, type Message, type Transport } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import { nameOf } from "./in-flight.ts";
import type { Outbox } from "./outbox.ts";
import type { Hub } from "./outbox-transport-options.ts";
import type { RefusedLog } from "./refused-log.ts";

/** Events that the server refuses without a reason that we know are sent this often. */
const MAX_UNEXPLAINED = 20;
const PASSING: ReadonlySet<MeshErrorCode> = new Set(["unavailable", "timeout", "closed"]);

/** Whether the outcome is open, or will be another one later. */
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
  /** The hub that takes what is forwarded; nothing while it may not be forwarded. */
  hub(): Hub | undefined;
  /** The hub has taken a batch. */
  onFlow(): void;
  /** The hub has not taken an event, which will be tried again. */
  onStop(): void;
  /** Forwarding has ended, for whatever reason. */
  onEnd(): void;
}

/** Sends what waits in an outbox to the hub in order, as many at a time as one write holds. */
export class OutboxForwarder {
  readonly #options: ForwarderOptions;
  readonly #port: ForwarderPort;
  readonly #outbox: Outbox;
  readonly #log: Logger;
  /** Subjects and ids of what waits though nothing is left to do for it. */
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

  /** Events that were accepted and then refused by the hub. */
  get refused(): number {
    return this.#refused;
  }

  /** Resolves when nothing is being forwarded. */
  get ended(): Promise<void> {
    return this.#forwarding ?? Promise.resolve();
  }

  /** Nothing is left to do for this message: it is not sent when its turn comes. */
  passOver(message: Message): void {
    this.#finished.add(nameOf(message));
  }

  /** Forwards all that waits, unless it does already. */
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
      // What is finished behind one that is not stays in the file, and is passed over when its turn comes.
      const count = again === -1 ? batch.length : again;
      for (const [i, message] of batch.entries()) {
        if (i > count && endings[i] === undefined && message !== undefined) this.passOver(message);
      }
      this.#noteFlow(endings[again]);
      await this.#outbox.advance(count);
      // One alone asks whether the hub takes anything; a hub that is full or hangs is not asked 500 times.
      width = again === -1 ? batchMessages : 1;
      if (again !== -1) await delay(retryMs);
    }
  }

  /** Resolves with nothing when it is done with, else with why it has to be tried again. Never rejects. */
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

  /** Its caller was told long ago that it is accepted, and cannot be told any more. */
  async #setAside(message: Message, error: MeshError): Promise<void> {
    const { subject, id, body } = message;
    const { refusedLog } = this.#options;
    this.#refused++;
    this.#log.error({ id, subject, err: error, file: refusedLog.path }, "event in the outbox refused");
    try {
      await refusedLog.add(message, error);
    } catch (err) {
      // It must not stand in the way of the rest; the log is the last place that can hold it.
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
