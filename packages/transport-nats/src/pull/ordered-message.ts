import type { Msg } from "nats";
import type { AckSubject } from "./ack-subject.ts";

/** A message handed over in the order of the stream. */
export interface OrderedMessage {
  readonly msg: Msg;
  readonly seq: number;
  /** When its stream stored it; milliseconds since the epoch. */
  readonly storedMs: number;
  /** Delivered before, to whomever. A server that has died may not know. */
  readonly isRedelivered: boolean;
  /** It has arrived where it belongs, or goes nowhere. */
  done(): void;
}

/** What was delivered, and what it costs to hold. */
export interface Delivered {
  readonly msg: Msg;
  readonly at: AckSubject;
  readonly bytes: number;
}

export class Ordered implements OrderedMessage {
  readonly msg: Msg;
  readonly seq: number;
  readonly at: AckSubject;
  readonly bytes: number;
  readonly storedMs: number;
  readonly isRedelivered: boolean;
  isDone = false;
  readonly #onDone: () => void;

  constructor({ msg, at, bytes }: Delivered, onDone: () => void) {
    this.msg = msg;
    this.seq = at.seq;
    this.storedMs = at.storedMs;
    this.isRedelivered = at.deliveryCount > 1;
    this.at = at;
    this.bytes = bytes;
    this.#onDone = onDone;
  }

  done(): void {
    this.isDone = true;
    this.#onDone();
  }
}
