import type { Delivery, Message, Settlement, Subscription } from "@adaos/core";
import { delay } from "@adaos/core/wire";

/** A test's action on each delivery; it is not awaited. */
export type OnReceived = (delivery: Delivery) => void;

export const ACK: Settlement = { kind: "ack" };

export const acknowledge: OnReceived = (delivery) => delivery.settle(ACK);
export const hold: OnReceived = () => undefined;

/** A settlement that asks for another attempt. */
export function nakAfter(delayMs: number): Settlement {
  return { kind: "nak", delayMs };
}

/** All deliveries of one subscription, in order. */
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

  /** Arrival of a delivery, on the clock of `performance.now()`. */
  arrivedMs(delivery: Delivery): number {
    return this.#arrivedMs.get(delivery) ?? Number.NaN;
  }

  /** Waits until this message has been delivered at least `times` times. Returns its newest delivery. */
  until(message: Message, times?: number): Promise<Delivery>;
  /** Waits until each of these messages has been. */
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

  /** Waits for any delivery. */
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

/** Polls until the condition holds. After `limitMs` it rejects with the text of `complaint`. */
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
