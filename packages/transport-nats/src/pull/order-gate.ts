import { delay } from "@adaos/core/wire";
import type { ConsumerState } from "./consumer-state.ts";

export interface OrderGateOptions {
  /** How the durable stands; nothing when its server does not say. May reject. */
  readonly state: () => Promise<ConsumerState | undefined>;
  /** By then whatever a process held that has ended was delivered again. */
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
 * Keeps order over the end of a process. What a process held that was killed comes again when its ack wait has passed,
 * and until then the server delivers what is behind it. So the successor keeps that back until it holds all that is
 * delivered and not settled, then hands it over in the order of the stream.
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

  /** Whether it has been asked once what others hold: nothing is to be pulled before. */
  get hasLooked(): boolean {
    return this.#hasLooked;
  }

  /** Hands over now, or when all before it has come. */
  take(seq: number, handOver: () => void): void {
    if (this.#opened.signal.aborted) handOver();
    else this.#waiting.push({ seq, handOver });
  }

  /** Hands over whatever is here. Safe to call twice. */
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

  /** Delivered, not settled and not here; nothing when nobody tells. */
  async #missing(): Promise<number | undefined> {
    try {
      const state = await this.#options.state();
      return state === undefined ? undefined : Math.max(0, state.num_ack_pending - this.#waiting.length);
    } catch {
      // The pull loop tells of a server that does not answer.
      return undefined;
    }
  }
}
