import { MeshError, type MeshErrorCode, type StartAt } from "@adaos/core";

/*
 * A member may not create consumers: whoever may could overwrite another's. It asks its hub, which asks the policy.
 * The subject of the request says who asks (`durableRequestSubject`); the server lets nobody else publish there.
 */

export interface DurableRequest {
  readonly durable: string;
  /** Text of an event pattern. */
  readonly pattern: string;
  readonly from: { readonly subnet?: string; readonly node?: string };
  readonly maxAckPending: number;
  readonly startAt: StartAt;
}

export type DurableReply =
  | { readonly stream: string; readonly consumer: string; readonly ackWaitMs: number }
  | { readonly error: { readonly code: MeshErrorCode; readonly message: string; readonly rule?: string } };

/** The error of a refusal as it was on the hub. */
export function errorOfReply(error: { code: MeshErrorCode; message: string; rule?: string }): MeshError {
  return new MeshError(error.code, error.message, error.rule === undefined ? {} : { rule: error.rule });
}
