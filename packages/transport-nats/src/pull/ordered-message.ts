import type { Msg } from "nats";
import type { AckSubject } from "./ack-subject.ts";

/** A message handed over in the order of the stream. */
export interface OrderedMessage {
  readonly msg: Msg;
  readonly seq: number;
  /** When its stream stored it; milliseconds since the epoch. */
  readonly storedMs: number;
  /** Delivered before, to any client. A server that restarted after a crash may not know. */
  readonly isRedelivered: boolean;
  /** The message has arrived at its destination, or is to go nowhere. */
  done(): void;
}

/** A delivered message, and the memory that it takes. */
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
