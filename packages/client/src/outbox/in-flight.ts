import { MeshError, type Message, type PublishReceipt } from "@adaos/core";

/** A publish on its way to the hub without the outbox, or about to be. */
export class InFlight {
  readonly message: Message;
  readonly startedMs: number = Date.now();
  /** Whether the outbox may store it when it fails or takes too long. */
  readonly mayWait: boolean;
  /** Set when it is in the outbox, or being written there. */
  kept: Promise<void> | undefined;
  isTold = false;
  readonly #resolve: (receipt: PublishReceipt) => void;
  readonly #reject: (error: MeshError) => void;

  constructor(
    message: Message,
    mayWait: boolean,
    resolve: (receipt: PublishReceipt) => void,
    reject: (error: MeshError) => void,
  ) {
    this.message = message;
    this.mayWait = mayWait;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  tell(receipt: PublishReceipt): void {
    this.isTold = true;
    this.#resolve(receipt);
  }

  fail(error: MeshError): void {
    this.isTold = true;
    this.#reject(error);
  }
}

export function closedError(): MeshError {
  return new MeshError("closed", "the connection is closed");
}

/** A message repeats another when both subject and id are the same. */
export function nameOf({ subject, id }: Message): string {
  return `${subject} ${id}`;
}
