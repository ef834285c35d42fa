import type { Msg } from "nats";
import type { AckSubject } from "./ack-subject.ts";

/** A message handed over in the order of the stream. */
export interface OrderedMessage {
  readonly msg: Msg;
  readonly seq: number;
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
  isDone = false;
  readonly #onDone: () => void;

  constructor({ msg, at, bytes }: Delivered, onDone: () => void) {
    this.msg = msg;
    this.seq = at.seq;
    this.at = at;
    this.bytes = bytes;
    this.#onDone = onDone;
  }

  done(): void {
    this.isDone = true;
    this.#onDone();
  }
}
