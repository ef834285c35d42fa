import type { Message, Settlement, SubscribeOptions, Subscription } from "@adaos/core";
import type { OnDelivery } from "@adaos/core/wire";
import { copyOf } from "./event-log.ts";
import type { LocalBroker } from "./local-broker.ts";
import type { Attempt, LocalDurable, Taker } from "./local-durable.ts";

/** Time for running handlers at a stop. */
const GRACE_MS = 10_000;

/** Takes deliveries of one durable until it is stopped. */
export class LocalSubscription implements Subscription, Taker {
  readonly #onDelivery: OnDelivery;
  readonly #stream: string;
  readonly #connected: () => boolean;
  readonly #unsettled = new Set<Attempt | Message>();
  readonly #onIdle = new Set<() => void>();
  #durable: LocalDurable | undefined;

  /** @param connected Whether settlements still reach the broker. */
  constructor(onDelivery: OnDelivery, stream: string, connected: () => boolean) {
    this.#onDelivery = onDelivery;
    this.#stream = stream;
    this.#connected = connected;
  }

  /** Begins. Throws `usage`. */
  join(broker: LocalBroker, node: string, options: SubscribeOptions): void {
    this.#durable = broker.join(node, options, this);
  }

  take(attempt: Attempt): void {
    this.#unsettled.add(attempt);
    const { entry, count } = attempt;
    this.#onDelivery({
      message: copyOf(entry.message),
      stream: this.#stream,
      seq: entry.seq,
      storedMs: entry.storedMs,
      deliveryCount: count,
      settle: (settlement) => this.#settle(attempt, settlement),
    });
  }

  asked(sent: Message, answer: (reply: Message) => void): void {
    const message = copyOf(sent);
    this.#unsettled.add(message);
    this.#onDelivery({
      message,
      stream: "",
      seq: 0,
      storedMs: Date.now(),
      deliveryCount: 1,
      settle: () => void this.#release(message),
      answer: (reply) => {
        if (this.#connected()) answer(reply);
      },
    });
  }

  async stop(graceMs: number = GRACE_MS): Promise<void> {
    this.#durable?.leave(this);
    if (this.#unsettled.size > 0) await this.#idleWithin(graceMs);
    this.#durable?.release(this);
  }

  #settle(attempt: Attempt, settlement: Settlement): void {
    if (!this.#unsettled.has(attempt)) return;
    if (this.#connected()) this.#durable?.settle(attempt, settlement);
    this.#release(attempt);
  }

  #release(delivery: Attempt | Message): void {
    if (!this.#unsettled.delete(delivery) || this.#unsettled.size > 0) return;
    for (const notify of this.#onIdle) notify();
  }

  /** This timer keeps the process alive: the caller of `stop()` waits for it. */
  #idleWithin(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#onIdle.delete(done);
        resolve();
      };
      const timer = setTimeout(done, graceMs);
      this.#onIdle.add(done);
    });
  }
}
