import type { Delivery, Message, Settlement, Subscription } from "@adaos/core";
import { delay } from "@adaos/core/wire";

/** What a test does with each delivery; nothing holds it. */
export type OnReceived = (delivery: Delivery) => void;

export const ACK: Settlement = { kind: "ack" };

export const acknowledge: OnReceived = (delivery) => delivery.settle(ACK);
export const hold: OnReceived = () => undefined;

/** A settlement that asks for another attempt. */
export function nakAfter(delayMs: number): Settlement {
  return { kind: "nak", delayMs };
}

/** Everything that one subscription was given, in order. */
export class Received {
  readonly deliveries: Delivery[] = [];
  readonly #arrivedMs = new Map<Delivery, number>();
  readonly #onReceived: OnReceived;
  readonly #limitMs: number;
  subscription: Subscription | undefined;

  constructor(onReceived: OnReceived, limitMs: number) {
    this.#onReceived = onReceived;
    this.#limitMs = limitMs;
  }

  readonly take = (delivery: Delivery): void => {
    this.deliveries.push(delivery);
    this.#arrivedMs.set(delivery, performance.now());
    this.#onReceived(delivery);
  };

  get ids(): string[] {
    return this.deliveries.map(({ message }) => message.id);
  }

  /** Every attempt at one message. */
  attempts(at: Message): Delivery[] {
    return this.deliveries.filter(({ message }) => message.id === at.id);
  }

  /** When a delivery arrived, on the clock of `performance.now()`. */
  arrivedMs(delivery: Delivery): number {
    return this.#arrivedMs.get(delivery) ?? Number.NaN;
  }

  /** Waits until this message has been given `times` times at least. Returns the newest of its deliveries. */
  until(message: Message, times?: number): Promise<Delivery>;
  /** Waits until each of these has. */
  until(messages: readonly Message[], times?: number): Promise<undefined>;
  async until(messages: Message | readonly Message[], times = 1): Promise<Delivery | undefined> {
    const wanted = "id" in messages ? [messages] : messages;
    const missing = (): Message[] => wanted.filter((message) => this.attempts(message).length < times);
    await until(
      () => missing().length === 0,
      this.#limitMs,
      () => `${missing().length} of ${wanted.length} messages were not given ${times} times`,
    );
    return "id" in messages ? this.attempts(messages).at(-1) : undefined;
  }

  /** Waits until anything has been given. */
  async untilAny(): Promise<void> {
    await until(
      () => this.deliveries.length > 0,
      this.#limitMs,
      () => "nothing was given",
    );
  }

  async stop(graceMs?: number): Promise<void> {
    await this.subscription?.stop(graceMs);
  }
}

/** Asks again and again until it is so. Rejects after `limitMs` with what `complaint` says then. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  limitMs: number,
  complaint: () => string,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() >= deadlineMs) throw new Error(`${complaint()} in ${limitMs} ms`);
    await delay(4);
  }
}
