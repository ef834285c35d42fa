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

/** A publish that begins, and what its caller is given. */
export function beginFlight(
  message: Message,
  mayWait: boolean,
): { readonly flight: InFlight; readonly receipt: Promise<PublishReceipt> } {
  let resolve = (_: PublishReceipt): void => undefined;
  let reject = (_: MeshError): void => undefined;
  const receipt = new Promise<PublishReceipt>((onStored, onFailed) => {
    resolve = onStored;
    reject = onFailed;
  });
  const flight: InFlight = {
    message,
    startedMs: Date.now(),
    mayWait,
    kept: undefined,
    isTold: false,
    tell: (given) => {
      flight.isTold = true;
      resolve(given);
    },
    fail: (error) => {
      flight.isTold = true;
      reject(error);
    },
  };
  return { flight, receipt };
}

export function closedError(): MeshError {
  return new MeshError("closed", "the connection is closed");
}

/** What makes a message a repetition of another: both. */
export function nameOf({ subject, id }: Message): string {
  return `${subject} ${id}`;
}
