import { MeshError, type Message, type PublishReceipt } from "@adaos/core";
import type { Ack } from "./publish-ack.ts";

/** A message on its way into a stream, and the promise of its publisher. */
export interface Pending {
  readonly message: Message;
  /** By {@link messageBytes}. */
  readonly bytes: number;
  /** The id by which the server recognises it. */
  id: string;
  /** As {@link headerBlock} writes them. */
  headers: string;
  readonly deadlineMs: number;
  /** When it is aborted, its caller will publish it anew, so that sending it again would only disturb the order. */
  readonly signal: AbortSignal | undefined;
  /** An earlier attempt may have stored it, so that no later refusal is certain. */
  unsure: boolean;
  /** The server has refused it once. A server that reads its config knows nobody's rights for a moment. */
  wasRefused: boolean;
  /** Set by the late answer to an earlier attempt. */
  stored: PublishReceipt | undefined;
  resolve(receipt: PublishReceipt): void;
  reject(error: MeshError): void;
}

/** The outcome of an attempt to store one message; `again` means that it is unknown or may yet succeed. */
export type Outcome =
  | { readonly again: MeshError }
  | { readonly stored: PublishReceipt }
  | { readonly failed: MeshError };

function notSent(): MeshError {
  return new MeshError("unavailable", "not sent: the server does not answer what was published before");
}

export function outcomeOf(ack: Ack): Outcome {
  switch (ack.kind) {
    case "stored":
      return { stored: receiptOf(ack, 0, 1) };
    case "unknown":
      return { again: new MeshError("timeout", `not known to be stored: ${ack.reason}`) };
    case "unavailable":
      return { again: new MeshError("unavailable", ack.reason) };
    case "denied":
      return { failed: new MeshError("denied", `the server refused a publish to ${ack.subject}`) };
    case "failed":
      return { failed: ack.error };
  }
}

/** The error for a message that may be stored, whatever the last attempt said. */
function unknownOutcome(last: MeshError): MeshError {
  return last.code === "timeout"
    ? last
    : new MeshError("timeout", `not known to be stored: ${last.message}`, { cause: last });
}

/**
 * Whether a refusal proves that the message is not stored. A stream looks for the id before it refuses. A publisher
 * that has no access to the stream, or is cut off from it, does not learn the result.
 */
function isCertain({ unsure }: Pending, { code }: MeshError): boolean {
  return !unsure || (code !== "denied" && code !== "closed");
}

/** Settles the promises of messages that need not, or must not, be sent any more; returns the rest. */
export function stillToSend(batch: readonly Pending[]): Pending[] {
  return batch.filter((pending) => {
    if (pending.stored === undefined && pending.signal?.aborted !== true) return true;
    rejectUnstored(pending, new MeshError("unavailable", "not sent: it was withdrawn"));
    return false;
  });
}

/** Settles the promises of late messages, up to the first that is in time; returns the rest. */
export function inTime(waiting: readonly Pending[]): Pending[] {
  const nowMs = performance.now();
  const first = waiting.findIndex(({ deadlineMs }) => nowMs < deadlineMs);
  const end = first === -1 ? waiting.length : first;
  for (const pending of waiting.slice(0, end)) rejectUnstored(pending, notSent());
  return waiting.slice(end);
}

/**
 * Notes the answer to an attempt that was given up, so that stored messages are not sent again. A duplicate does not
 * count: it may be another publisher's.
 */
export function noteLate(batch: readonly Pending[], ack: Ack): void {
  if (ack.kind !== "stored" || ack.duplicate) return;
  for (const [i, pending] of batch.entries()) pending.stored ??= receiptOf(ack, i, batch.length);
}

/** The receipt of one message of a write that was stored whole. */
export function receiptOf(
  ack: Ack & { readonly kind: "stored" },
  index: number,
  count: number,
): PublishReceipt {
  return { stream: ack.stream, seq: ack.seq - count + 1 + index, duplicate: ack.duplicate };
}

function rejectUnstored({ stored, unsure, resolve, reject }: Pending, error: MeshError): void {
  if (stored !== undefined) resolve(stored);
  else reject(unsure ? unknownOutcome(error) : error);
}

/**
 * Settles the promises whose outcome is final or whose time is up; returns the rest. A message without an outcome was
 * not sent.
 */
export function settleOutcomes(batch: readonly Pending[], outcomes: readonly Outcome[]): Pending[] {
  const nowMs = performance.now();
  return batch.filter((pending, i) => {
    const { stored } = pending;
    const outcome = stored !== undefined ? { stored } : (outcomes[i] ?? { again: notSent() });
    if ("stored" in outcome) pending.resolve(outcome.stored);
    else if ("failed" in outcome)
      pending.reject(isCertain(pending, outcome.failed) ? outcome.failed : unknownOutcome(outcome.failed));
    else {
      pending.unsure ||= outcome.again.code === "timeout";
      if (nowMs < pending.deadlineMs && pending.signal?.aborted !== true) return true;
      rejectUnstored(pending, outcome.again);
    }
    return false;
  });
}
