import { delay } from "@adaos/core/wire";
import type { ConsumerState } from "./consumer-state.ts";

export interface OrderGateOptions {
  /** The durable's state; undefined when its server does not answer. May reject. */
  readonly state: () => Promise<ConsumerState | undefined>;
  /** Number of messages that are here and not settled. */
  readonly held: () => number;
  /** After this time the server has redelivered the messages of every process that ended. */
  readonly limitMs: number;
  /** Called once it is known whether anything is missing. */
  readonly onLooked: () => void;
}

const LOOK_MS = 250;

interface Waiting {
  readonly seq: number;
  readonly handOver: () => void;
}

/**
 * Keeps the order across the end of a process, and of a connection: a server that ends may have delivered messages that
 * never arrived. The server redelivers them when their ack wait has passed, and meanwhile delivers later ones. So the
 * gate keeps those back until every delivered and unsettled message is here. Then it hands all over in the order of the
 * stream.
 */
export class OrderGate {
  readonly #options: OrderGateOptions;
  readonly #opened = new AbortController();
  #waiting: Waiting[] = [];
  #hasLooked = false;

  constructor(options: OrderGateOptions) {
    this.#options = options;
    void this.#watch();
  }

  get isOpen(): boolean {
    return this.#opened.signal.aborted;
  }

  /** Whether the number of missing messages has been asked for once: do not pull before. */
  get hasLooked(): boolean {
    return this.#hasLooked;
  }

  /** Hands over now, or when all messages before it have come. */
  take(seq: number, handOver: () => void): void {
    if (this.#opened.signal.aborted) handOver();
    else this.#waiting.push({ seq, handOver });
  }

  /** Hands over every message that is here. Safe to call twice. */
  open(): void {
    this.#opened.abort();
    const inOrder = this.#waiting.sort((a, b) => a.seq - b.seq);
    this.#waiting = [];
    for (const { handOver } of inOrder) handOver();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#opened;
    const untilMs = performance.now() + this.#options.limitMs;
    while (!signal.aborted && performance.now() < untilMs) {
      const missing = await this.#missing();
      if (missing === 0) this.open();
      if (!this.#hasLooked) {
        this.#hasLooked = true;
        this.#options.onLooked();
      }
      await delay(LOOK_MS, signal);
    }
    this.open();
  }

  /** Number of messages delivered, not settled and not here; undefined when the server does not answer. */
  async #missing(): Promise<number | undefined> {
    try {
      const before = this.#options.held();
      const state = await this.#options.state();
      // Messages that came or were settled since the server counted must not pass for a missing one.
      const held = Math.min(before, this.#options.held());
      return state === undefined ? undefined : Math.max(0, state.num_ack_pending - held);
    } catch {
      // The pull loop reports a server that does not answer.
      return undefined;
    }
  }
}
