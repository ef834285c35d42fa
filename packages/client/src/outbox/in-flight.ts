import { MeshError, type Message, type PublishReceipt } from "@adaos/core";

/** A publish on its way straight to the hub, or about to be. */
export interface InFlight {
  readonly message: Message;
  readonly startedMs: number;
  /** Whether the outbox may have it when it does not end well, or in time. */
  readonly mayWait: boolean;
  /** It is in the outbox, or being written there. */
  kept: Promise<void> | undefined;
  isTold: boolean;
  tell(receipt: PublishReceipt): void;
  fail(error: MeshError): void;
}

export function closedError(): MeshError {
  return new MeshError("closed", "the connection is closed");
}

/** What makes a message a repetition of another: both. */
export function nameOf({ subject, id }: Message): string {
  return `${subject} ${id}`;
}
