import type { DataClass } from "../language/data-class.ts";
import type { Envelope } from "../language/envelope.ts";
import type { TimedRun } from "../time/time-limit.ts";
import type { EventAddress } from "../wire/subject.ts";
import { effectKey } from "./once.ts";
import type { ReadDelivery } from "./open-delivery.ts";

/** The context that a handler gets beside the event. */
export interface HandlerContext {
  /** The authenticated origin of the event, and its name and version. */
  readonly address: EventAddress;
  /** How the schema of the event classifies parts of its data; most often not at all. */
  readonly classes: readonly DataClass[];
  /** 1 for the first attempt. */
  readonly deliveryCount: number;
  readonly stream: string;
  readonly seq: number;
  /** Aborted when the handler's time is up. */
  readonly signal: AbortSignal;
  /** Names the effect; the same for every repetition of the event. To pass on to services that take such a key. */
  readonly idempotencyKey: string;
  /** The transaction of an idempotency store that joins effect and mark; `undefined` with any other store. */
  readonly transaction: unknown;
}

/** Makes what a handler seldom asks for when it does. */
export class Context implements HandlerContext {
  readonly address: EventAddress;
  readonly classes: readonly DataClass[];
  readonly deliveryCount: number;
  readonly stream: string;
  readonly seq: number;
  readonly transaction: unknown;
  readonly #envelope: Envelope;
  readonly #run: TimedRun;

  constructor(
    { delivery, envelope, address, classified }: ReadDelivery,
    transaction: unknown,
    run: TimedRun,
  ) {
    this.address = address;
    this.classes = classified?.classes ?? [];
    this.deliveryCount = delivery.deliveryCount;
    this.stream = delivery.stream;
    this.seq = delivery.seq;
    this.transaction = transaction;
    this.#envelope = envelope;
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get idempotencyKey(): string {
    return effectKey(this.#envelope, this.address);
  }
}
